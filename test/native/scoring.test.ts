import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { toFloat32 } from '../../src/formats/tensor.js'
import { Session } from '../../src/session/session.js'
import type { SessionOptions } from '../../src/session/options.js'
import { ROOT, runNode } from '../helpers/processes/child.js'
import { cannotHold } from '../helpers/processes/cpu-capability.js'
import { skip } from '../helpers/skip.js'
import { CLASSES, formulaBatch, loadFormula } from '../parity/formula.js'

const BASE: SessionOptions = { model: 'regnet_y_400mf', classes: CLASSES, device: 'cpu', precision: 'fp32', threads: 2 }
/** Of the largest logit. */
const FLOAT = 1e-5
const BF16 = 0.05

const open = async (options: Partial<SessionOptions> = {}): Promise<Session> => {
  const session = await Session.create({ ...BASE, ...options })
  await loadFormula(session)
  return session
}

const logitsOf = async (session: Session, count: number): Promise<number[]> => [...(await session.evalStep(formulaBatch(count, 64))).logits]

function distance(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length)
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / Math.max(...b.map(Math.abs))
}

describe('scoring with batch norm folded into the convolutions', () => {
  test.each<[Partial<SessionOptions>, number]>([
    [{}, FLOAT], [{ threads: 1 }, FLOAT], [{ threads: 3 }, FLOAT], [{ model: 'regnet_x_400mf' }, FLOAT], [{ precision: 'bf16' }, BF16],
  ])('gives the logits of libtorch’s operations one by one, for one image and for many: %j', async (options, tolerance) => {
    await using folded = await open(options)
    await using plain = await open({ ...options, precision: 'fp32', kernels: 'plain' })
    for (const count of [1, 2, 3, 9, 17]) {
      expect(distance(await logitsOf(folded, count), await logitsOf(plain, count))).toBeLessThan(tolerance)
    }
  }, 60_000)

  test('gives the same bytes each time', async () => {
    await using folded = await open()
    const first = await logitsOf(folded, 9)
    expect(await logitsOf(folded, 9)).toEqual(first)
    await using other = await open()
    expect(await logitsOf(other, 9)).toEqual(first)
  })

  test('follows the weights: after a step, and after a state that is loaded', async () => {
    await using session = await open()
    const before = await logitsOf(session, 3)
    const state = await session.stateDict()
    await session.trainStep(formulaBatch(4, 64))
    const after = await logitsOf(session, 3)
    expect(distance(after, before)).toBeGreaterThan(1e-3)
    await using twin = await Session.create(BASE)
    await twin.loadStateDict(await session.stateDict())
    expect(await logitsOf(twin, 3)).toEqual(after)
    await session.loadStateDict(state)
    expect(await logitsOf(session, 3)).toEqual(before)
  })

  test('leaves training as it is', async () => {
    await using scored = await open()
    await using alone = await open()
    await logitsOf(scored, 3)
    await scored.trainStep(formulaBatch(4, 64))
    await alone.trainStep(formulaBatch(4, 64))
    const weights = async (session: Session): Promise<number[]> => [...toFloat32((await session.stateDict()).get('stem.0.weight')!)]
    expect(await weights(scored)).toEqual(await weights(alone))
  })

  test('is not done in contiguous memory, where the logits are libtorch’s to the last bit', async () => {
    await using auto = await open({ memoryFormat: 'contiguous' })
    await using plain = await open({ memoryFormat: 'contiguous', kernels: 'plain' })
    expect(await logitsOf(auto, 9)).toEqual(await logitsOf(plain, 9))
  })

  const [title, lacks] = ['where oneDNN has no such operators for bf16, scoring goes the way of training', cannotHold('avx2')]
  if (lacks) skip(title, lacks)
  else test(title, async () => {
    const code = `
      const { Session } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'dist/index.js')).href)})
      const session = await Session.create({ model: 'regnet_y_400mf', classes: 3, device: 'cpu', precision: 'bf16', seed: 1 })
      const images = { pixels: new Uint8Array(2 * 32 * 32 * 3).fill(90), shapes: new Int32Array(4).fill(32), plans: [0, 1].map(() => ({ geometry: [1, 0, 0, 0, 1, 0] })), output: 32, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }
      const { logits } = await session.evalStep({ size: 2, step: 0, indices: new Int32Array(2), images })
      console.log(JSON.stringify([...logits]))`
    const end = await runNode(['--input-type=module', '--eval', code], { env: { ...process.env, ATEN_CPU_CAPABILITY: 'avx2' } })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    const logits = JSON.parse(end.stdout) as number[]
    expect(logits.length).toBe(6)
    expect(logits.every(Number.isFinite)).toBe(true)
  }, 60_000)
})
