import { createHash } from 'node:crypto'
import { type StateDict, toFloat32 } from '../../src/formats/tensor.js'
import { Session } from '../../src/session/session.js'
import type { SessionOptions } from '../../src/session/options.js'
import { CLASSES, formulaBatch, loadFormula } from '../parity/formula.js'

const BASE: SessionOptions = { model: 'regnet_y_400mf', classes: CLASSES, device: 'cpu', precision: 'fp32', threads: 1 }
/** A scale that overflows three times before the first step can be taken, and then grows every other step. */
const FP16: SessionOptions = { ...BASE, precision: 'fp16', allowSlow: true, freeze: 'batch-norm-statistics', scaler: { initScale: 2 ** 20, growthInterval: 2 } }
const batch = formulaBatch(4, 64)

const open = async (options: SessionOptions): Promise<Session> => {
  const session = await Session.create(options)
  await loadFormula(session)
  return session
}

function hashOf(...states: readonly StateDict[]): string {
  const hash = createHash('sha256')
  for (const state of states) for (const [name, { data }] of state) hash.update(name).update(data)
  return hash.digest('hex')
}

const steps = async (session: Session, count: number) => {
  const results = []
  for (let i = 0; i < count; i++) results.push(await session.trainStep(batch))
  return results
}

test('scorePrecision fp32 scores as a session in fp32 does, whatever trains', async () => {
  await using mixed = await open({ ...BASE, precision: 'bf16' })
  await using scored = await open({ ...BASE, precision: 'bf16', scorePrecision: 'fp32' })
  await using plain = await open(BASE)
  const logits = async (session: Session): Promise<number[]> => [...(await session.evalStep(batch)).logits]
  expect(await logits(scored)).toEqual(await logits(plain))
  expect(await logits(mixed)).not.toEqual(await logits(plain))
  const losses = async (session: Session): Promise<number[]> => (await steps(session, 2)).map(({ loss }) => loss)
  expect(await losses(scored)).toEqual(await losses(mixed))
})

describe('fp16', () => {
  test('is refused on the CPU with the reason, unless slowness is allowed', async () => {
    await expect(Session.create({ ...BASE, precision: 'fp16' })).rejects.toMatchObject({ code: 'ERR_PRECISION', message: expect.stringMatching(/hundred times slower.*bf16.*allowSlow/) })
  })

  test('the scaler’s five entries are in the training state; other precisions have none', async () => {
    await using session = await open({ ...FP16, scaler: { initScale: 1024, growthFactor: 4, backoffFactor: 0.25, growthInterval: 7 } })
    const state = await session.trainingState()
    const numbers = ['scale', 'growth_factor', 'backoff_factor'].map((name) => toFloat32(state.get(`scaler.${name}`)!)[0])
    expect(numbers).toEqual([1024, 4, 0.25])
    const integers = ['growth_interval', '_growth_tracker', 'skipped'].map((name) => new BigInt64Array(state.get(`scaler.${name}`)!.data.slice().buffer)[0])
    expect(integers).toEqual([7n, 0n, 0n])
    await using plain = await open(BASE)
    expect([...(await plain.trainingState()).keys()].filter((name) => name.startsWith('scaler.'))).toEqual([])
    await expect(session.loadTrainingState(await plain.trainingState())).rejects.toMatchObject({ code: 'ERR_STATE_DICT_MISMATCH', message: expect.stringContaining('missing scaler.scale') })
  })

  test('a run that is cut anywhere goes on with the same numbers, skipped steps too', async () => {
    await using whole = await open(FP16)
    const expected = await steps(whole, 8)
    expect(expected.map(({ skipped }) => skipped).reduce((a, b) => a + b)).toBeGreaterThan(1)
    expect(expected.at(-1)!.scale).toBeGreaterThan(Math.min(...expected.map(({ scale }) => scale)))
    for (const cut of [1, 3, 6]) {
      await using first = await open(FP16)
      const begun = await steps(first, cut)
      await using second = await Session.create({ ...FP16, seed: 5, scaler: { initScale: 2, growthInterval: 99 } })
      await second.loadStateDict(await first.stateDict())
      await second.loadTrainingState(await first.trainingState())
      expect([...begun, ...(await steps(second, 8 - cut))]).toEqual(expected)
      expect(hashOf(await second.stateDict(), await second.trainingState())).toBe(
        hashOf(await whole.stateDict(), await whole.trainingState()),
      )
    }
  }, 120_000)

  test('skipped steps of unread ones come with the read after them', async () => {
    await using session = await open(FP16)
    for (let i = 0; i < 3; i++) await session.trainStep(batch, { read: false })
    expect(await session.trainStep(batch)).toMatchObject({ steps: 4, images: 16, skipped: 3, scale: 2 ** 17 })
  })
})

describe('what a session needs is its own', () => {
  test('precisions side by side do not change one another’s numbers', async () => {
    const alone = await Promise.all((['fp32', 'bf16'] as const).map(async (precision) => {
      await using session = await open({ ...BASE, precision })
      return (await steps(session, 2)).map(({ loss }) => loss)
    }))
    await using fp32 = await open(BASE)
    await using bf16 = await open({ ...BASE, precision: 'bf16' })
    const together: number[][] = [[], []]
    for (let i = 0; i < 2; i++) for (const [j, session] of [fp32, bf16].entries()) together[j]!.push((await session.trainStep(batch)).loss)
    expect(together).toEqual(alone)
    expect(alone[0]).not.toEqual(alone[1])
  })

  test('threads side by side too: each session computes with its own number', async () => {
    const alone = []
    for (const threads of [1, 2]) {
      await using session = await open({ ...BASE, threads })
      alone.push((await steps(session, 3)).map(({ loss }) => loss))
    }
    await using one = await open({ ...BASE, threads: 1 })
    await using two = await open({ ...BASE, threads: 2 })
    expect([one.threads, two.threads]).toEqual([1, 2])
    const together: number[][] = [[], []]
    for (let i = 0; i < 3; i++) for (const [j, session] of [one, two].entries()) together[j]!.push((await session.trainStep(batch)).loss)
    expect(together).toEqual(alone)
  })

  test.each([1, 2])('the same seed and %d threads give the same bytes, twice', async (threads) => {
    const hashes = []
    for (let run = 0; run < 2; run++) {
      await using session = await Session.create({ ...BASE, threads, seed: 3 })
      const losses = (await steps(session, 3)).map(({ loss }) => loss)
      hashes.push([...losses, hashOf(await session.stateDict(), await session.trainingState())])
    }
    expect(hashes[0]).toEqual(hashes[1])
  })

  test('NCHW computes what NHWC does', async () => {
    const losses = []
    for (const memoryFormat of ['channels_last', 'contiguous'] as const) {
      await using session = await open({ ...BASE, memoryFormat, freeze: 'batch-norm-statistics' })
      expect(session.memoryFormat).toBe(memoryFormat)
      losses.push((await steps(session, 3)).map(({ loss }) => loss))
    }
    for (const [i, loss] of losses[0]!.entries()) expect(losses[1]![i]).toBeCloseTo(loss, 3)
  })
})

describe('clipping', () => {
  test('scales all gradients by one factor, so that their norm is at most what was asked for', async () => {
    const gradients = async (clipNorm?: number): Promise<Float32Array[]> => {
      // Betas of 0 leave the gradient itself in exp_avg.
      await using session = await open({ ...BASE, freeze: 'batch-norm-statistics', optimizer: { betas: [0, 0] }, ...(clipNorm !== undefined && { clipNorm }) })
      await session.trainStep(batch, { lr: 0 })
      return [...(await session.trainingState())].filter(([name]) => name.startsWith('optimizer.exp_avg.')).map(([, tensor]) => toFloat32(tensor))
    }
    const norm = (all: readonly Float32Array[]): number =>
      Math.sqrt(all.reduce((sum, values) => sum + values.reduce((part, value) => part + value * value, 0), 0))
    const free = await gradients()
    const clipped = await gradients(norm(free) / 4)
    expect(norm(clipped) / norm(free)).toBeCloseTo(0.25, 4)
    expect(clipped[0]![0]! / free[0]![0]!).toBeCloseTo(0.25, 4)
    expect(norm(await gradients(norm(free) * 2)) / norm(free)).toBeCloseTo(1, 6)
  })
})

test('a step that failed leaves nothing for the next one', async () => {
  await using session = await open(BASE)
  await using twin = await open(BASE)
  const { images, ...rest } = formulaBatch(4000, 1)
  await session.trainStep(batch, { read: false })
  await twin.trainStep(batch, { read: false })
  await expect(session.trainStep({ ...rest, images: { ...images, output: 16_384 } })).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
  expect(await session.trainStep(batch)).toEqual(await twin.trainStep(batch))
  expect(hashOf(await session.trainingState())).toBe(hashOf(await twin.trainingState()))
})

describe('what is wrong is refused', () => {
  test.each<Partial<SessionOptions>>([
    { clipNorm: 0 }, { clipNorm: Number.NaN }, { memoryFormat: 'nhwc' as never }, { scaler: { initScale: 0 } }, { scaler: { growthFactor: 1 } }, { scaler: { backoffFactor: 1 } },
    { scaler: { growthInterval: 1.5 } }, { threads: 1.5 },
  ])('%j', async (options) => {
    await expect(Session.create({ ...BASE, ...options })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
  })
})
