import { open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileWhole } from '../../../src/formats/files/write-file.js'
import { EventLog } from '../../../src/runs/event-log.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('writeFileWhole', () => {
  test('replaces what was there and leaves nothing else', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a')
    await writeFile(path, 'old')
    expect(await writeFileWhole(path, [bytes('new '), bytes('text')])).toBe(8)
    expect(await readFile(path, 'utf8')).toBe('new text')
    expect(await readdir(folder.path)).toEqual(['a'])
  })

  test('takes no `sync` of a file, which those of Yarn’s Plug’n’Play have not, and neither does the log of a run', async () => {
    await using folder = await temporaryFolder()
    const some = await open(join(folder.path, 'a'), 'w')
    const files = Object.getPrototypeOf(some) as { sync: () => Promise<void> }
    await some.close()
    const { sync } = files
    files.sync = () => Promise.reject(new Error('Method not implemented.'))
    try {
      expect(await writeFileWhole(join(folder.path, 'a'), [bytes('text')])).toBe(4)
      await using log = await EventLog.open(join(folder.path, 'events.jsonl'))
      await log.sync()
    } finally {
      files.sync = sync
    }
  })

  test('when writing fails half way, what was there stays and no temporary file is left', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a')
    await writeFile(path, 'old')
    const failing = (function* () {
      yield bytes('half')
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    })()
    await expect(writeFileWhole(path, failing)).rejects.toMatchObject({ code: 'ERR_WRITE', path, message: expect.stringContaining('Free some space') })
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(folder.path)).toEqual(['a'])
  })

  test('a folder that is not there is ERR_WRITE', async () => {
    await using folder = await temporaryFolder()
    await expect(writeFileWhole(join(folder.path, 'no', 'a'), [])).rejects.toMatchObject({ code: 'ERR_WRITE' })
  })
})
