import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import type { Batch } from '../../src/loader/batch.js'
import type { StateDict } from '../../src/formats/tensor.js'
import { Session } from '../../src/session/session.js'
import type { SessionOptions } from '../../src/session/options.js'
import { ROOT, runNode } from '../helpers/processes/child.js'

const BASE: SessionOptions = { model: 'regnet_y_400mf', classes: 3, device: 'cpu', precision: 'fp32', seed: 1, threads: 1 }
const [COUNT, SIDE] = [4, 32]
const pixelOf = (i: number): number => (i * 37) % 251

type Memory = (bytes: number) => ArrayBufferLike
const OWN: Memory = (bytes) => new ArrayBuffer(bytes)
const resizable: Memory = (bytes) =>
  Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: bytes * 2 }]) as ArrayBuffer // newer than the types

/** A batch whose arrays lie in memory of some kind. */
function makeBatch(memory: Memory = OWN): Batch {
  const labels = new Int32Array(memory(COUNT * 4))
  const pixels = new Uint8Array(memory(COUNT * SIDE * SIDE * 3))
  labels.set(Array.from({ length: COUNT }, (_, i) => i % 3))
  pixels.set(Array.from({ length: pixels.length }, (_, i) => pixelOf(i)))
  return {
    size: COUNT, step: 0, indices: new Int32Array(COUNT), labels,
    images: {
      pixels, shapes: new Int32Array(memory(COUNT * 8)).fill(SIDE),
      plans: Array.from({ length: COUNT }, () => ({ geometry: [1, 0, 0, 0, 1, 0] as const })), output: SIDE, mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
    },
  }
}

const buffersOf = ({ images, labels }: Batch): ArrayBuffer[] =>
  [images.pixels.buffer, images.shapes.buffer, labels!.buffer].map((buffer) => buffer as ArrayBuffer)
const lossOf = async (batch: Batch): Promise<number> => {
  await using session = await Session.create(BASE)
  return (await session.trainStep(batch)).loss
}
/** Names of the tensors that are not the same in both. */
const different = (a: StateDict, b: StateDict): string[] =>
  [...a].filter(([name, { data }]) => Buffer.compare(data, b.get(name)?.data ?? Buffer.of()) !== 0).map(([name]) => name)
const expected = lossOf(makeBatch())

describe('what becomes of a batch while a step is under way changes nothing', () => {
  test.each<[string, Memory, (batch: Batch) => unknown]>([
    ['overwritten', OWN, ({ images, labels }) => [images.pixels.fill(9), images.shapes.fill(1 << 30), labels!.fill(-1)]],
    ['detached', OWN, (batch) => structuredClone(null, { transfer: buffersOf(batch) })],
    [
      'shrunk to nothing', resizable,
      (batch) => buffersOf(batch).map((buffer) => (buffer as unknown as { resize(bytes: number): void }).resize(0)),
    ],
    ['shared, and written to', (bytes) => new SharedArrayBuffer(bytes), ({ images }) => images.pixels.fill(200)],
  ])('%s', async (_, memory, change) => {
    await using session = await Session.create(BASE)
    const batch = makeBatch(memory)
    const pending = session.trainStep(batch)
    change(batch)
    expect((await pending).loss).toBe(await expected)
  })

  test('detached or shrunk before the call, it is refused by name', async () => {
    await using session = await Session.create(BASE)
    const detached = makeBatch(OWN)
    structuredClone(null, { transfer: buffersOf(detached) })
    await expect(session.trainStep(detached)).rejects.toMatchObject({ name: 'TorchgraftError', code: 'ERR_BATCH_SHAPE' })
    const shrunk = makeBatch(resizable)
    ;(shrunk.images.pixels.buffer as unknown as { resize(bytes: number): void }).resize(100)
    await expect(session.trainStep(shrunk)).rejects.toMatchObject({ code: 'ERR_BATCH_SHAPE', message: expect.stringContaining('as many bytes of pixels') })
    expect((await session.trainStep(makeBatch())).steps).toBe(1)
  })
})

describe('calls that nobody waits for', () => {
  test('run in the order they were made: a step, a state, a step, a state loaded, a step, disposal', async () => {
    await using twin = await Session.create(BASE)
    const session = await Session.create(BASE)
    const begin = await twin.stateDict()
    const [first, , second, , again] = await Promise.all([
      session.trainStep(makeBatch()), session.stateDict(), session.trainStep(makeBatch()), session.loadStateDict(begin),
      session.evalStep(makeBatch()), session.dispose(),
    ])
    const plain = [
      await twin.trainStep(makeBatch()), await twin.trainStep(makeBatch()), await twin.loadStateDict(begin),
      await twin.evalStep(makeBatch()),
    ]
    expect([first, second, again]).toEqual([plain[0], plain[1], plain[3]])
  })

  test('a state is taken at the call: what is done to it afterwards does not come along', async () => {
    await using session = await Session.create(BASE)
    const before = await session.stateDict()
    const copy = new Map([...before].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]))
    const loading = session.loadStateDict(copy)
    for (const { data } of copy.values()) structuredClone(null, { transfer: [data.buffer] })
    await loading
    expect(different(await session.stateDict(), before)).toEqual([])
  })

  test('a part of a state leaves the rest as the step before it made it', async () => {
    await using session = await Session.create(BASE)
    await using twin = await Session.create(BASE)
    const head = new Map([...(await session.stateDict())].filter(([name]) => name.startsWith('fc.')))
    const step = session.trainStep(makeBatch())
    const report = await session.loadStateDict(head, { strict: false })
    await step
    await twin.trainStep(makeBatch())
    const [ours, theirs] = [await session.stateDict(), await twin.stateDict()]
    expect(report.missing.length).toBe(ours.size - 2)
    expect(different(ours, new Map([...theirs, ...head]))).toEqual([])
    expect(different(ours, theirs).sort()).toEqual(['fc.bias', 'fc.weight'])
  })

  test('a state whose bytes are not those of its shapes is refused, and nothing of it is loaded', async () => {
    await using session = await Session.create(BASE)
    const before = await session.stateDict()
    const wrong = new Map([...before].map(([name, tensor]) => [name, name === 'fc.bias' ? { ...tensor, data: tensor.data.subarray(1) } : { ...tensor, data: new Uint8Array(tensor.data.length) }]))
    await expect(session.loadStateDict(wrong)).rejects.toMatchObject({ code: 'ERR_STATE_DICT_MISMATCH', message: 'Expected 12 bytes for fc.bias, which is float32 [3], but received 11' })
    expect(different(await session.stateDict(), before)).toEqual([])
  })
})

test('every call after disposal is ERR_DISPOSED', async () => {
  const session = await Session.create(BASE)
  const state = await session.stateDict()
  const training = await session.trainingState()
  await session.dispose()
  const calls = {
    trainStep: () => session.trainStep(makeBatch()), evalStep: () => session.evalStep(makeBatch()),
    stateDict: () => session.stateDict(), trainingState: () => session.trainingState(),
    loadStateDict: () => session.loadStateDict(state), loadTrainingState: () => session.loadTrainingState(training),
  }
  for (const [name, call] of Object.entries(calls)) expect([name, await call().catch((error: unknown) => error)]).toEqual([name, expect.objectContaining({ name: 'TorchgraftError', code: 'ERR_DISPOSED' })])
  await session.dispose()
})

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'ERR_ARGUMENT'], ['no images', { ...makeBatch(), images: undefined }, 'ERR_ARGUMENT'],
  ['plain numbers for pixels', { ...makeBatch(), images: { ...makeBatch().images, pixels: [1, 2] } }, 'ERR_ARGUMENT'], ['labels of another kind', { ...makeBatch(), labels: [0, 1, 2, 0] }, 'ERR_ARGUMENT'],
  ['a plan that is none', { ...makeBatch(), images: { ...makeBatch().images, plans: [1, 2, 3, 4] } }, 'ERR_ARGUMENT'], ['a plan without geometry', { ...makeBatch(), images: { ...makeBatch().images, plans: [{}, {}, {}, {}] } }, 'ERR_ARGUMENT'],
  ['a border of five colours', { ...makeBatch(), images: { ...makeBatch().images, plans: Array.from({ length: 4 }, () => ({ geometry: [1, 0, 0, 0, 1, 0], border: [0, 0, 0, 0, 0] })) } }, 'ERR_ARGUMENT'],
  ['two means', { ...makeBatch(), images: { ...makeBatch().images, mean: [0, 0] } }, 'ERR_ARGUMENT'], ['an output of NaN', { ...makeBatch(), images: { ...makeBatch().images, output: Number.NaN } }, 'ERR_ARGUMENT'],
  ['a grid of half pixels', { ...makeBatch(), images: { ...makeBatch().images, plans: Array.from({ length: 4 }, () => ({ geometry: [1, 0, 0, 0, 1, 0], snap: { height: 4.5, width: 4, resize: [1, 0, 0, 0, 1, 0] } })) } }, 'ERR_BATCH_SHAPE'],
])('a batch with %s is refused with a code, in training and scoring', async (_, batch, code) => {
  await using session = await Session.create(BASE)
  await expect(session.trainStep(batch as Batch)).rejects.toMatchObject({ name: 'TorchgraftError', code, message: expect.stringMatching(/^Expected/) })
  await expect(session.evalStep(batch as Batch)).rejects.toMatchObject({ name: 'TorchgraftError', code })
})

test('sessions in several worker threads and here, at once, give what each gives alone', async () => {
  const code = `
    import { parentPort } from 'node:worker_threads'
    const { Session } = await import('${pathToFileURL(join(ROOT, 'dist/index.js')).href}')
    const count = ${COUNT}, side = ${SIDE}
    const batch = { size: count, step: 0, indices: new Int32Array(count), labels: Int32Array.from({ length: count }, (_, i) => i % 3), images: { pixels: new Uint8Array(count * side * side * 3).map((_, i) => (i * 37) % 251), shapes: new Int32Array(count * 2).fill(side), plans: Array.from({ length: count }, () => ({ geometry: [1, 0, 0, 0, 1, 0] })), output: side, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } }
    const [a, b] = await Promise.all([1, 2].map((seed) => Session.create({ ...${JSON.stringify(BASE)}, seed })))
    const losses = []
    for (let i = 0; i < 4; i++) losses.push(...(await Promise.all([a.trainStep(batch), b.trainStep(batch)])).map(({ loss }) => loss))
    await Promise.all([a.dispose(), b.dispose()])
    parentPort.postMessage(losses)
  `
  // In a process of its own, since jest's worlds are not Node's.
  const end = await runNode(['--input-type=module', '--eval', `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const code = ${JSON.stringify(code)}
    const run = async () => (await once(new Worker(new URL('data:text/javascript,' + encodeURIComponent(code))), 'message'))[0]
    const alone = await run()
    const together = await Promise.all([run(), run(), run()])
    console.log(JSON.stringify([alone.every(Number.isFinite), ...together.map((losses) => JSON.stringify(losses) === JSON.stringify(alone))]))
  `])
  expect(end).toMatchObject({ code: 0, stdout: '[true,true,true,true]\n' })
})
