import { existsSync } from 'node:fs'
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointStore } from '../../../src/runs/checkpoint-store.js'
import { readModelFile } from '../../../src/runs/model-file.js'
import { writeFileWhole } from '../../../src/formats/files/write-file.js'
import { trainingMetadata } from '../../helpers/files/checkpoint.js'
import { type FileOperation, systemError, watchedFiles } from '../../helpers/files/failing-files.js'
import { StandInSession } from '../../helpers/stand-in-session.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const session = new StandInSession()

/** A folder with `last` 1 and 2 and `best`, and a store in it for what comes next. */
async function begun(folder: string, before: Parameters<typeof watchedFiles>[0]) {
  const store = await CheckpointStore.open(folder)
  for (const step of [1, 2]) await store.saveLast(session, trainingMetadata(step))
  await store.saveBest(session, trainingMetadata(2))
  const files = watchedFiles(before)
  return { files, store: await CheckpointStore.open(folder, files) }
}

/** What saving `last` 3 does to files, one after another. */
async function operations(): Promise<readonly FileOperation[]> {
  await using folder = await temporaryFolder()
  const { files, store } = await begun(folder.path, () => undefined)
  await store.saveLast(session, trainingMetadata(3))
  return files.done
}

describe('saving, when something fails', () => {
  test('takes the operations that the next tests go through', async () => {
    expect(await operations()).toEqual(['rm', 'link', 'rename', 'rm', 'open', 'write', 'write', 'write', 'sync', 'close', 'rename', 'open', 'sync', 'close'])
  })

  test.each(['ENOSPC', 'EIO'])('with %s at any operation, the last good state is there, and the next save works', async (code) => {
    for (let fatal = 1; fatal <= 14; fatal++) {
      await using folder = await temporaryFolder()
      const { store } = await begun(folder.path, (count) => {
        if (count === fatal) throw systemError(code)
        return undefined
      })
      const outcome = await store.saveLast(session, trainingMetadata(3)).then(() => 'saved', (error: { code: string; message: string }) => `${error.code} ${error.message}`)
      if (outcome !== 'saved') expect(outcome).toMatch(code === 'ENOSPC' ? /^ERR_WRITE .*Free some space/ : /^ERR_WRITE .*The disk may be failing/)
      const last = await (await CheckpointStore.open(folder.path)).last()
      expect(last?.recoveredFrom).toBeUndefined()
      expect(last?.metadata.position.step).toBe(outcome === 'saved' || fatal > 11 ? 3 : 2) // from the rename on it is the new one
      expect((await readdir(folder.path)).filter((name) => name.endsWith('.tmp'))).toEqual([])
      const again = await CheckpointStore.open(folder.path)
      await again.saveLast(session, trainingMetadata(4))
      expect((await again.last())?.metadata.position.step).toBe(4)
    }
  })

  test('a process that ends at any operation, or half way through a write, leaves a folder that can be gone on from', async () => {
    const moments = (await operations()).flatMap((name, i) => (name === 'write' ? [{ at: i + 1, half: true }, { at: i + 1, half: false }] : [{ at: i + 1, half: false }]))
    for (const { at, half } of moments) {
      await using folder = await temporaryFolder()
      const { store } = await begun(folder.path, (count) => {
        if (count === at && half) return 'half'
        if (count >= at) throw systemError('ENOSYS') // nothing is done any more, cleaning up neither
        return undefined
      })
      await store.saveLast(session, trainingMetadata(3)).catch(() => {})
      const last = await (await CheckpointStore.open(folder.path)).last()
      expect(last?.recoveredFrom).toBeUndefined()
      expect(last?.metadata.position.step).toBe(at > 11 ? 3 : 2)
      expect(existsSync(join(folder.path, 'last.previous.safetensors'))).toBe(true)
    }
  })

  test('where files cannot have two names, the predecessor is kept by renaming', async () => {
    await using folder = await temporaryFolder()
    const { store } = await begun(folder.path, (_, name) => {
      if (name === 'link') throw systemError('EPERM')
      return undefined
    })
    await store.saveLast(session, trainingMetadata(3))
    expect((await store.last())?.metadata.position.step).toBe(3)
    expect((await readModelFile(join(folder.path, 'last.previous.safetensors'))).metadata).toMatchObject({ position: { step: 2 } })
  })

  test('a process that ended between the two leaves one file with both names, and nothing of that is left', async () => {
    await using folder = await temporaryFolder()
    const store = await CheckpointStore.open(folder.path)
    await store.saveLast(session, trainingMetadata(1))
    await link(join(folder.path, 'last.safetensors'), join(folder.path, 'last.previous.safetensors'))
    await store.saveLast(session, trainingMetadata(2))
    expect((await readdir(folder.path)).sort()).toEqual(['last.previous.safetensors', 'last.safetensors'])
  })

  test('where folders cannot be brought to disk, that is all that is not done', async () => {
    await using folder = await temporaryFolder()
    const files = watchedFiles((_, name, path) => {
      if (name === 'sync' && path === folder.path) throw systemError('EINVAL')
      return undefined
    })
    expect(await writeFileWhole(join(folder.path, 'a'), [new Uint8Array(3)], files)).toBe(3)
  })

  test('a damaged last does not take its predecessor’s place', async () => {
    await using folder = await temporaryFolder()
    let full = true
    const { store } = await begun(folder.path, (_, name) => {
      if (full && name === 'write') throw systemError('ENOSPC')
      return undefined
    })
    await writeFile(join(folder.path, 'last.safetensors'), 'damaged')
    expect(await store.last()).toMatchObject({ file: 'last.previous.safetensors', metadata: { position: { step: 1 } } })
    await expect(store.saveLast(session, trainingMetadata(3))).rejects.toMatchObject({ code: 'ERR_WRITE' })
    expect(await store.last()).toMatchObject({ file: 'last.previous.safetensors', metadata: { position: { step: 1 } } })
    full = false
    await store.saveLast(session, trainingMetadata(3))
    expect(await store.last()).toMatchObject({ file: 'last.safetensors', metadata: { position: { step: 3 } } })
  })

  test('a folder that was removed is said to be', async () => {
    await using folder = await temporaryFolder()
    const store = await CheckpointStore.open(join(folder.path, 'run'))
    await rm(store.folder, { recursive: true })
    await expect(store.saveLast(session, trainingMetadata(1))).rejects.toMatchObject({ code: 'ERR_WRITE', message: expect.stringContaining('Its folder is not there any more: was it removed?') })
  })
})

describe('a last file', () => {
  test('with one bit flipped, wherever it is, falls back to its predecessor, or says the same as before', async () => {
    await using folder = await temporaryFolder()
    const store = await CheckpointStore.open(folder.path)
    for (const step of [1, 2]) await store.saveLast(session, trainingMetadata(step))
    const path = join(folder.path, 'last.safetensors')
    const good = await readFile(path)
    const whole = await store.last()
    let found = 0
    let tried = 0
    for (let bit = 0; bit < good.length * 8; bit += 5, tried++) { // each of a byte's bits in turn
      const bytes = Buffer.from(good)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      await writeFile(path, bytes)
      const last = await store.last()
      if (last?.recoveredFrom) found++
      else expect(last).toEqual(whole) // in the name of a key that nothing reads
    }
    expect(found / tried).toBeGreaterThan(0.95)
  })

  test.each([0, 1, 7, 8, 100, 300, 0.5, 0.999])('cut short to %d falls back to its predecessor', async (length) => {
    await using folder = await temporaryFolder()
    const store = await CheckpointStore.open(folder.path)
    for (const step of [1, 2]) await store.saveLast(session, trainingMetadata(step))
    const path = join(folder.path, 'last.safetensors')
    const good = await readFile(path)
    await writeFile(path, good.subarray(0, Number.isInteger(length) ? length : Math.floor(good.length * length)))
    expect(await store.last()).toMatchObject({ file: 'last.previous.safetensors', metadata: { position: { step: 1 } } })
  })
})
