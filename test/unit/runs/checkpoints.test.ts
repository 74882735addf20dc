import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointStore, separateState } from '../../../src/runs/checkpoint-store.js'
import type { TrainingMetadata } from '../../../src/runs/model-metadata.js'
import { readModelFile } from '../../../src/runs/model-file.js'
import { RunFolder } from '../../../src/runs/run-folder.js'
import { writeSafetensors } from '../../../src/formats/safetensors.js'
import { trainingMetadata } from '../../helpers/files/checkpoint.js'
import { StandInSession } from '../../helpers/stand-in-session.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const metadata = trainingMetadata
const session = new StandInSession()

describe('CheckpointStore', () => {
  test('best holds the model alone, last the optimizer too, and the one before is kept', async () => {
    await using folder = await temporaryFolder()
    const store = await CheckpointStore.open(join(folder.path, 'deep', 'run'))
    await store.saveBest(session, metadata(0))
    for (const step of [1, 2]) await store.saveLast(session, metadata(step))
    expect((await readdir(store.folder)).sort()).toEqual(['best.safetensors', 'last.previous.safetensors', 'last.safetensors'])
    expect([...(await store.best()).tensors.keys()]).toEqual(['fc.bias'])
    const last = await store.last()
    expect(last?.metadata.position.step).toBe(2)
    expect(last?.recoveredFrom).toBeUndefined()
    const { model, training } = separateState(last!.tensors)
    expect([[...model.keys()], [...training.keys()]]).toEqual([['fc.bias'], ['optimizer.step.fc.bias']])
  })

  test('nothing saved yet is undefined', async () => {
    await using folder = await temporaryFolder()
    expect(await (await CheckpointStore.open(folder.path)).last()).toBeUndefined()
  })

  test.each([
    ['cut short', async (file: string) => truncate(file, 300), 'ERR_FILE_FORMAT'],
    ['with one bit flipped', async (file: string) => flipLastBit(file), 'ERR_FILE_CHECKSUM'],
    ['emptied', async (file: string) => writeFile(file, ''), 'ERR_FILE_FORMAT'],
  ])('a last file %s falls back to its predecessor, and says so', async (_, damage, code) => {
    await using folder = await temporaryFolder()
    const store = await CheckpointStore.open(folder.path)
    for (const step of [1, 2]) await store.saveLast(session, metadata(step))
    await damage(join(folder.path, 'last.safetensors'))
    const last = await store.last()
    expect(last).toMatchObject({ file: 'last.previous.safetensors', metadata: { position: { step: 1 } }, recoveredFrom: { code } })
    await damage(join(folder.path, 'last.previous.safetensors'))
    await expect(store.last()).rejects.toMatchObject({ code, path: join(folder.path, 'last.safetensors') })
  })

  test('equal states give equal bytes, in whatever order their metadata was put together', async () => {
    await using folder = await temporaryFolder()
    const [a, b] = [await CheckpointStore.open(join(folder.path, 'a')), await CheckpointStore.open(join(folder.path, 'b'))]
    await a.saveLast(session, metadata(1))
    await b.saveLast(session, Object.fromEntries(Object.entries(metadata(1)).reverse()) as unknown as TrainingMetadata)
    expect(await readFile(join(a.folder, 'last.safetensors'))).toEqual(await readFile(join(b.folder, 'last.safetensors')))
  })
})

async function flipLastBit(file: string): Promise<void> {
  const bytes = await readFile(file)
  bytes[bytes.length - 1]! ^= 1
  await writeFile(file, bytes)
}

describe('readModelFile', () => {
  const { position: _, ...model } = metadata(1)
  test.each([
    ['no metadata of ours', {}, 'no class names'],
    ['metadata that is not JSON', { torchgraft: '{' }, 'not JSON'],
    ['a list', { torchgraft: '[]' }, 'not an object'],
    ['brackets without end', { torchgraft: '['.repeat(1_000_000) }, 'more than 64 deep'],
    ['a version that is no number', { torchgraft: JSON.stringify({ ...model, formatVersion: ['x'.repeat(5000)] }) }, 'version is no number'],
    ['a later version', { torchgraft: JSON.stringify({ ...model, formatVersion: 2 }) }, 'version is 2'],
    ['an unknown model', { torchgraft: JSON.stringify({ ...model, model: 'x' }) }, 'no valid model'],
    ['no classes', { torchgraft: JSON.stringify({ ...model, classes: [] }) }, 'classes'],
    ['a size of 0', { torchgraft: JSON.stringify({ ...model, size: 0 }) }, 'size'],
    ['a std of 0', { torchgraft: JSON.stringify({ ...model, std: [1, 0, 1] }) }, 'std'],
    ['no resize rule', { torchgraft: JSON.stringify({ ...model, resize: null }) }, 'resize'],
    ['no checksum', { torchgraft: JSON.stringify(model) }, 'sha256'],
  ])('refuses a file with %s', async (_, header, reason) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'm.safetensors')
    await writeSafetensors(path, await session.stateDict(), header)
    await expect(readModelFile(path)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT', path, message: expect.stringContaining(reason) })
  })
})

describe('RunFolder', () => {
  test('its name is the data folder’s, with a number where that is taken', async () => {
    await using folder = await temporaryFolder()
    const before = process.cwd()
    process.chdir(folder.path)
    try {
      const runs = []
      for (let i = 0; i < 3; i++) runs.push(await RunFolder.create(undefined, '/photos/campus/'))
      expect(runs.map(({ path }) => path)).toEqual(['runs/campus', 'runs/campus-2', 'runs/campus-3'])
      for (const run of runs) await run[Symbol.asyncDispose]()
      expect(await readdir('runs')).toEqual([]) // nothing was written into them
    } finally {
      process.chdir(before)
    }
  })

  test('one that holds a run is not begun anew; one with other files may be', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'notes.txt'), 'mine')
    {
      await using run = await RunFolder.create(folder.path, 'x')
      await run.writeConfig({ formatVersion: 1, torchgraft: '0', libtorch: '0', data: '/x', options: {}, device: 'cpu', precision: 'fp32', processor: '' })
    }
    expect(await readFile(join(folder.path, 'notes.txt'), 'utf8')).toBe('mine')
    await expect(RunFolder.create(folder.path, 'x')).rejects.toMatchObject({ code: 'ERR_RUN_EXISTS', message: expect.stringContaining('continue it with resume: true, or choose another output') })
  })

  test('two at once in one folder are ERR_RUN_LOCKED, naming the process', async () => {
    await using folder = await temporaryFolder()
    await using _ = await RunFolder.create(folder.path, 'x')
    await expect(RunFolder.create(folder.path, 'x')).rejects.toMatchObject({ code: 'ERR_RUN_LOCKED', message: expect.stringContaining(String(process.pid)) })
  })

  test('a run that ends before it has begun leaves nothing; one that is killed then can be resumed', async () => {
    await using folder = await temporaryFolder()
    const config = { formatVersion: 1, torchgraft: '0', data: '/x', options: {}, processor: '' } as const
    const path = join(folder.path, 'run')
    {
      await using run = await RunFolder.create(path, 'x')
      await run.prepare(config)
      expect(existsSync(join(path, 'config.json'))).toBe(true)
    }
    expect(existsSync(path)).toBe(false)
    {
      await using run = await RunFolder.create(path, 'x')
      await run.prepare(config)
      await run.writeConfig(config)
    }
    await using again = await RunFolder.reopen(path)
    expect(await again.readConfig()).toEqual(config)
  })

  test('what a killed process was writing is removed; what others put there stays', async () => {
    await using folder = await temporaryFolder()
    const left = ['.0123456789ab.tmp', 'last.previous.safetensors.tmp', 'run.lock.999999999', 'run.lock.999999999.dead']
    const others = ['.notes.tmp', 'a.tmp', `run.lock.${process.ppid}`]
    for (const name of [...left, ...others]) await writeFile(join(folder.path, name), 'x')
    await using _ = await RunFolder.create(folder.path, 'x')
    expect((await readdir(folder.path)).sort()).toEqual([...others, 'run.lock'].sort())
  })

  test('what was edited into nonsense is refused, by name', async () => {
    await using folder = await temporaryFolder()
    await expect(RunFolder.reopen(folder.path)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
    await mkdir(join(folder.path, 'r'))
    for (const text of ['{', '[]', '{}', '{"formatVersion":2}', `{"formatVersion":1,"data":"x","options":{"a":${'['.repeat(1000)}${']'.repeat(1000)}}}`]) {
      await writeFile(join(folder.path, 'r', 'config.json'), text)
      await using run = await RunFolder.reopen(join(folder.path, 'r'))
      await expect(run.readConfig()).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT', path: join(folder.path, 'r', 'config.json') })
    }
  })
})
