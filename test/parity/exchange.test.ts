import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readTorchCheckpoint, writeTorchCheckpoint } from '../../src/runs/torch-checkpoint.js'
import { contentsOf } from '../../src/models/checkpoint-contents.js'
import { loadAll } from '../../src/formats/lazy-tensor.js'
import { PthFile } from '../../src/formats/pth/pth.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js'
import { type StateDict, toFloat16, toFloat32 } from '../../src/formats/tensor.js'
import { Session } from '../../src/session/session.js'
import type { SessionOptions } from '../../src/session/options.js'
import { findPython, runPython } from '../helpers/processes/python.js'
import { skip } from '../helpers/skip.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { CLASSES, formulaBatch, loadFormula } from './formula.js'
import { expectParity, furthest, readFixture } from './rows.js'

const python = findPython()
// Plain: Adam's first steps blow another order of sums up (another number of threads moves these losses by half), so ten
// steps are only comparable with PyTorch's own operations.
const BASE: SessionOptions = { model: 'regnet_y_400mf', classes: CLASSES, precision: 'fp32', device: 'cpu', threads: 2, kernels: 'plain' }
const batch = formulaBatch(8, 64)
/** Relative: the next ten steps of a checkpoint that went from one side to the other. */
const TOLERANCE = 1e-4

const steps = async (session: Session, count: number): Promise<number[]> => {
  const losses: number[] = []
  for (let i = 0; i < count; i++) losses.push((await session.trainStep(batch)).loss / batch.size)
  return losses
}

/** Of the formula's weights, in the largest number of the file. */
async function differenceOf(state: StateDict): Promise<number> {
  await using session = await Session.create(BASE)
  await loadFormula(session)
  const expected = await session.stateDict()
  expect([...state.keys()]).toEqual([...expected.keys()])
  let worst = 0
  for (const [name, tensor] of expected) if (tensor.dtype === 'float32') worst = Math.max(worst, furthest(toFloat32(state.get(name)!), toFloat32(tensor)))
  return worst
}

if (!python) skip('files exchanged with PyTorch', 'no Python with torch, torchvision, safetensors and numpy: name one as TORCHGRAFT_PYTHON')
else describe('files go to PyTorch and come from it', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  const at = (name: string): string => join(folder.path, name)

  beforeAll(async () => {
    folder = await temporaryFolder()
    await runPython(python, 'exchange.py', 'make', folder.path)
  }, 180_000)
  afterAll(() => folder[Symbol.asyncDispose]())

  test.each([
    ['plain.pth', 0, []], ['legacy.pth', 0, []], ['views.pth', 0, []], ['double.pth', 0, []], ['half.pth', 1e-3, []], ['bfloat16.pth', 1e-2, []],
    ['parallel.pth', 0, [expect.stringContaining('"module."')]], ['timm.pth', 0, [expect.stringContaining('timm')]],
  ] as const)('%s: every tensor, by name and number', async (name, tolerance, notes) => {
    await using file = await PthFile.open(at(name))
    const contents = contentsOf(file)
    expect(contents.notes).toEqual(notes)
    expect(await differenceOf(await loadAll(contents.model))).toBeLessThanOrEqual(tolerance)
  })

  test('a whole Python object is refused, by the name of its class', async () => {
    await expect(PthFile.open(at('whole.pth'))).rejects.toMatchObject({ code: 'ERR_PICKLE_REFUSED', message: expect.stringMatching(/the global torchvision\.models\.regnet\.RegNet.*state_dict/) })
  })

  test('a TorchScript archive is refused, saying so', async () => {
    await expect(PthFile.open(at('script.pth'))).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT', message: expect.stringContaining('TorchScript') })
  })

  test('a checkpoint of PyTorch goes on here', async () => {
    const { model, training, optimizer } = await readTorchCheckpoint(at('checkpoint.pth'))
    expect(optimizer).toMatchObject({ type: 'adam', betas: [0.9, 0.999], eps: 1e-8, groups: [{ lr: 1e-3, weightDecay: 0 }] })
    await using session = await Session.create({ ...BASE, optimizer: { type: 'adam', lr: 1e-3 } })
    await session.loadStateDict(model)
    await session.loadTrainingState(training!)
    const { losses: expected } = JSON.parse(await readFile(at('expected.json'), 'utf8')) as { losses: number[] }
    const losses = await steps(session, expected.length)
    expectParity('ten steps here after three in PyTorch', Math.max(...losses.map((loss, i) => Math.abs(loss - expected[i]!) / expected[i]!)), TOLERANCE)
  })

  test.each([
    ['adam', { type: 'adam', lr: 1e-3 }], ['adamw', { type: 'adamw', lr: 2e-3, betas: [0.8, 0.99], weightDecay: 0.05, groups: [{ match: /^fc\./, lrScale: 2, weightDecay: 0.1 }] }],
  ] as const)('a checkpoint of %s made here goes on in PyTorch', async (kind, optimizer) => {
    await using session = await Session.create({ ...BASE, optimizer })
    await loadFormula(session)
    await steps(session, 3)
    const [model, training] = [await session.stateDict(), await session.trainingState()]
    await writeTorchCheckpoint(at(`${kind}.pth`), { model, training, optimizer: session.describeOptimizer() })
    const losses = await steps(session, 10)
    const { losses: theirs } = (await runPython(python, 'exchange.py', 'continue', at(`${kind}.pth`), kind)) as { losses: number[] }
    expectParity(`ten steps in PyTorch after three here, ${kind}`, Math.max(...losses.map((loss, i) => Math.abs(loss - theirs[i]!) / loss)), TOLERANCE)
    const again = await readTorchCheckpoint(at(`${kind}.pth`))
    expect(again.optimizer).toEqual(session.describeOptimizer())
    expect([...again.training!.keys()].sort()).toEqual([...training.keys()].sort())
  }, 60_000)

  test('a scaler goes along', async () => {
    await using session = await Session.create({ ...BASE, precision: 'fp16', allowSlow: true, scaler: { initScale: 512, growthInterval: 30 } })
    await loadFormula(session)
    await writeTorchCheckpoint(at('scaler.pth'), { model: await session.stateDict(), training: await session.trainingState(), optimizer: session.describeOptimizer() })
    const { scaler } = (await runPython(python, 'exchange.py', 'continue', at('scaler.pth'), 'adam')) as { scaler: object }
    expect(scaler).toEqual({ scale: 512, growth_factor: 2, backoff_factor: 0.5, growth_interval: 30, _growth_tracker: 0 })
    expect(Object.keys(scaler).sort()).toEqual(readFixture<{ entries: string[] }>('scaler').entries)
  }, 60_000)

  test('model files of ours are read by PyTorch and by safetensors, and theirs here', async () => {
    await using session = await Session.create(BASE)
    await loadFormula(session)
    const state = await session.stateDict()
    await writeTorchCheckpoint(at('ours.pth'), { model: state })
    expect(await runPython(python, 'exchange.py', 'look', at('ours.pth'))).toMatchObject({ keys: 384, difference: 0, dtypes: ['torch.float32', 'torch.int64'] })
    await writeSafetensors(at('ours.safetensors'), state, { format: 'pt', note: 'ours' })
    expect(await runPython(python, 'exchange.py', 'look', at('ours.safetensors'))).toMatchObject({ keys: 384, difference: 0, metadata: { format: 'pt', note: 'ours' } })
    const { tensors, metadata } = await readSafetensors(at('python.safetensors'))
    expect(metadata).toEqual({ format: 'pt', of: 'Python' })
    expect(await differenceOf(new Map([...state.keys()].map((name) => [name, tensors.get(name)!])))).toBe(0)
  })

  test('half precision is rounded as PyTorch rounds it', async () => {
    await using session = await Session.create(BASE)
    await loadFormula(session)
    const ours = new Map([...(await session.stateDict())].map(([name, tensor]) => [name, tensor.dtype === 'float32' ? toFloat16(tensor, name) : tensor]))
    await using file = await PthFile.open(at('half.pth'))
    const theirs = await loadAll(contentsOf(file).model)
    for (const [name, { dtype, data }] of theirs) {
      expect([name, dtype, Buffer.compare(data, ours.get(name)!.data)]).toEqual([name, ours.get(name)!.dtype, 0])
    }
  })

  test('a file that was cut or changed anywhere is refused', async () => {
    const whole = await readFile(at('plain.pth'))
    for (const change of [(bytes: Buffer) => bytes.subarray(0, bytes.length - 1), (bytes: Buffer) => bytes.subarray(0, 1000), (bytes: Buffer) => Buffer.concat([bytes, Buffer.from([0])]), (bytes: Buffer) => Buffer.concat([Buffer.from('x'), bytes])]) {
      await writeFile(at('bad.pth'), change(whole))
      await expect(PthFile.open(at('bad.pth'))).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' })
    }
    for (const place of [0.001, 0.2, 0.5, 0.8]) {
      const bytes = Buffer.from(whole)
      bytes[Math.floor(bytes.length * place)]! ^= 0x55
      await writeFile(at('bad.pth'), bytes)
      await expect(PthFile.open(at('bad.pth'))).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(FILE_FORMAT|FILE_CHECKSUM|PICKLE_REFUSED)$/) })
    }
  })
})
