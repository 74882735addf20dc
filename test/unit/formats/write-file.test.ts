import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileWhole } from '../../../src/formats/write-file.js'
import { temporaryFolder } from '../../helpers/temporary-folder.js'

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
