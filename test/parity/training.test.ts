import { toFloat32 } from '../../src/formats/tensor.js'
import { loadAddon } from '../../src/addon/load.js'
import { Session } from '../../src/session/session.js'
import type { SessionOptions } from '../../src/session/options.js'
import { skip } from '../helpers/skip.js'
import { CLASSES, formulaBatch, loadFormula } from './formula.js'
import { expectParity, furthest, processor, readFixture } from './rows.js'

interface Fixture {
  readonly losses: readonly number[]
  readonly scales: readonly number[]
  readonly state: Readonly<Record<string, readonly number[]>>
  /** How far PyTorch's own runs lie apart, in other memory layouts, thread counts and instruction sets. */
  readonly spread: { readonly losses: number; readonly state: number }
}

/** The measure is how far two runs of PyTorch are from each other: training amplifies the last bit of a sum. */
const SPREADS = 4
/** Where PyTorch's runs agree better than this, another processor's kernels need not. */
const LEAST = { losses: 2e-5, state: 2e-5 }

const CLASS_WEIGHTS = Array.from({ length: CLASSES }, (_, i) => 0.5 + 0.25 * i)
const FROZEN = { freeze: 'batch-norm-statistics' } as const
const fp16 = (initScale: number) => ({ precision: 'fp16', allowSlow: true, scaler: { initScale, growthInterval: 2 } }) as const

interface Case {
  readonly options: Partial<SessionOptions>
  readonly batch?: readonly [count: number, size: number]
}

/** As generator/training.py has them. */
const CASES: Readonly<Record<string, Case>> = {
  'adamw, groups and decay, smoothing': { options: { loss: { labelSmoothing: 0.1 } } },
  'bf16': { options: { precision: 'bf16' } },
  'frozen running statistics': { options: FROZEN },
  'frozen running statistics, label smoothing': { options: { ...FROZEN, loss: { labelSmoothing: 0.2 } } },
  'frozen running statistics, class weights': { options: { ...FROZEN, loss: { classWeights: CLASS_WEIGHTS } } },
  'frozen running statistics, class weights and smoothing': { options: { ...FROZEN, loss: { classWeights: CLASS_WEIGHTS, labelSmoothing: 0.2 } } },
  'frozen running statistics, clipping by norm': { options: { ...FROZEN, clipNorm: 0.05 } },
  'frozen running statistics, bf16': { options: { ...FROZEN, precision: 'bf16' } },
  'fp16': { options: fp16(2 ** 12), batch: [8, 64] },
  'frozen running statistics, fp16, clipping by norm': { options: { ...FROZEN, ...fp16(2 ** 20), clipNorm: 0.05 }, batch: [8, 64] },
}

beforeAll(() => void process.stderr.write(`parity of training: ${processor()}\n`))

describe.each([
  ['regnet_y_400mf', 'auto'], ['regnet_y_400mf', 'plain'], ['regnet_x_400mf', 'auto'], ['regnet_x_400mf', 'plain'],
] as const)('%s trains as PyTorch does, kernels %s', (model, kernels) => {
  const fixtures = readFixture<Record<string, Record<string, Fixture>>>('training')[model]!

  test('there is a case for each of PyTorch’s', () => {
    expect(Object.keys(CASES)).toEqual(Object.keys(fixtures))
  })

  for (const [title, { options, batch: [count, size] = [16, 96] }] of Object.entries(CASES)) {
    if (options.precision === 'bf16' && !loadAddon().system().bf16) {
      skip(`${model}, kernels ${kernels}, ${title}`, 'this processor has no bf16 instructions')
      continue
    }
    test(title, async () => {
      const { losses: expected, scales, state: expectedState, spread } = fixtures[title]!
      await using session = await Session.create({
        model, classes: CLASSES, precision: 'fp32', device: 'cpu', threads: 2, kernels,
        optimizer: { type: 'adamw', lr: 1e-3, weightDecay: 0.02, groups: [{ match: /^fc\./, lrScale: 2 }, { match: /\.1\.weight$|\.bias$/, weightDecay: 0 }] },
        ...options,
      })
      await loadFormula(session)
      const batch = formulaBatch(count, size)
      const steps = []
      for (let i = 0; i < expected.length; i++) steps.push(await session.trainStep(batch))
      const losses = steps.map(({ loss }) => loss / count)
      const lossDifference = furthest(losses, expected) / expected[0]!
      const state = await session.stateDict()
      const difference = (name: string, values: readonly number[]): number =>
        furthest(toFloat32(state.get(name)!).subarray(0, values.length), values)
      const stateDifference = Math.max(...Object.entries(expectedState).map(([name, values]) => difference(name, values)))
      const name = `${model}, kernels ${kernels}, ${losses.length} steps, ${title}`
      expectParity(`${name}: losses (PyTorch from itself ${spread.losses.toExponential(1)})`, lossDifference, Math.max(LEAST.losses, SPREADS * spread.losses))
      expectParity(`${name}: parameters (PyTorch from itself ${spread.state.toExponential(1)})`, stateDifference, Math.max(LEAST.state, SPREADS * spread.state))
      expect(steps.map(({ scale }) => scale)).toEqual(scales)
      // A step's overflow is told of by the step after it.
      expect(steps.map(({ skipped }) => skipped)).toEqual(scales.map((scale, i) => (scale < (scales[i - 1] ?? 0) ? 1 : 0)))
    }, 120_000)
  }
})
