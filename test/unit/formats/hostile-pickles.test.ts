import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspectFile } from '../../../src/inference/inspect.js'
import { readTorchCheckpoint } from '../../../src/runs/torch-checkpoint.js'
import { TorchgraftError } from '../../../src/errors.js'
import { pickle } from '../../../src/formats/pth/pickle-writer.js'
import { HOSTILE_PICKLES } from '../../helpers/files/hostile-pickles.mjs'
import { makeZip } from '../../helpers/files/make-zip.mjs'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

/** What a reader says of a file: something short, whatever the file is. */
async function settled(reading: Promise<unknown>): Promise<void> {
  try {
    expect(await reading).toBeDefined()
  } catch (error) {
    expect(error).toBeInstanceOf(TorchgraftError)
    expect((error as TorchgraftError).code).toMatch(/^ERR_(?:FILE_FORMAT|PICKLE_REFUSED)$/)
    expect((error as TorchgraftError).message.length).toBeLessThan(1500)
  }
}

// A reader that follows every reference would take years for most of these.
test.each([...HOSTILE_PICKLES])('%s: read or refused, and never walked without end', async (_, program) => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'a.pth')
  await writeFile(path, makeZip({ 'a/data.pkl': program, 'a/data/0': Buffer.alloc(16) }))
  await settled(readTorchCheckpoint(path))
  await settled(inspectFile(path))
}, 60_000)

test('storages of an old file whose keys are lists that share their members are refused', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'a.pth')
  const shared = HOSTILE_PICKLES.get('lists that share their members')!
  const magic = Buffer.from('8002' + '8a0a6cfc9c46f9206aa850192e', 'hex')
  const keys = Buffer.concat([Buffer.from('\x80\x02]', 'latin1'), shared.subarray(2, -1), Buffer.from('a.')])
  const [protocol, system, nothing] = [1001, new Map([['little_endian', true]]), new Map<string, never>()].map((value) => pickle(value).bytes)
  await writeFile(path, Buffer.concat([magic, protocol!, system!, nothing!, keys]))
  await expect(readTorchCheckpoint(path)).rejects.toThrow('does not name its storages')
})

test('a key of lists is refused by name, in few words', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'a.pth')
  await writeFile(path, makeZip({ 'a/data.pkl': HOSTILE_PICKLES.get('a key of lists that share their members')! }))
  await expect(readTorchCheckpoint(path)).rejects.toThrow('a list as a key of a dict')
})
