import { readFileSync } from 'node:fs'
import { toFloat32 } from '../../src/formats/tensor.js'
import { Session } from '../../src/native/session.js'
import { formulaBatch, formulaWeights } from './formula.js'

interface Fixture {
  readonly torch: string
  readonly logits: Readonly<Record<string, number[][]>>
  readonly adamw: {
    readonly losses: number[]
    readonly state: Readonly<Record<string, number[]>>
    /** How far PyTorch's own runs lie apart, in other memory layouts and thread counts. */
    readonly spread: { readonly losses: number; readonly state: number }
  }
}

const CLASSES = 10
/** Of the largest logit: float32 sums of some thousand products, taken in another order. */
const LOGITS_TOLERANCE = 1e-4
/** RegNet's fp32 gradients are noisy, so two runs of PyTorch itself part in ten steps: that is the measure. */
const SPREADS = 4

const furthest = (a: readonly number[], b: readonly number[]): number => Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))))

describe.each(['regnet_y_400mf', 'regnet_x_400mf'] as const)('%s beside PyTorch, fp32', (model) => {
  const fixture = JSON.parse(readFileSync(new URL(`./fixtures/${model}.json`, import.meta.url), 'utf8')) as Fixture
  const create = async (): Promise<Session> => {
    const session = await Session.create({
      model, classes: CLASSES, precision: 'fp32', device: 'cpu', loss: { labelSmoothing: 0.1 },
      optimizer: { type: 'adamw', lr: 1e-3, weightDecay: 0.02, groups: [{ match: /^fc\./, lrScale: 2 }, { match: /\.1\.weight$|\.bias$/, weightDecay: 0 }] },
    })
    await session.loadStateDict(formulaWeights(await session.stateDict()))
    return session
  }

  test.each([64, 224])('logits at %d px are the same', async (size) => {
    await using session = await create()
    const { logits } = await session.evalStep(formulaBatch(2, size, CLASSES))
    const expected = fixture.logits[size]?.flat() ?? []
    const scale = Math.max(...expected.map(Math.abs))
    const difference = furthest(expected, [...logits]) / scale
    console.info(`${model} at ${size} px: logits differ by ${difference.toExponential(1)} of the largest (torch ${fixture.torch})`)
    expect(difference).toBeLessThan(LOGITS_TOLERANCE)
  })

  test('ten AdamW steps, with groups, decay and smoothing, go the same way', async () => {
    await using session = await create()
    const batch = formulaBatch(16, 96, CLASSES)
    const losses: number[] = []
    for (let i = 0; i < 10; i++) losses.push((await session.trainStep(batch)).loss / batch.size)
    const { losses: expected, state: expectedState, spread } = fixture.adamw
    const lossDifference = Math.max(...losses.map((loss, i) => Math.abs(loss - (expected[i] ?? Number.NaN)) / loss))
    const state = await session.stateDict()
    const stateDifference = Math.max(...Object.entries(expectedState).map(([name, values]) => furthest(values, [...toFloat32(state.get(name)!)].slice(0, values.length))))
    console.info(
      `${model}, ten AdamW steps: losses differ by ${lossDifference.toExponential(1)} of the loss (PyTorch from itself: ${spread.losses.toExponential(1)}), ` +
      `parameters by ${stateDifference.toExponential(1)} (${spread.state.toExponential(1)}); losses ${losses[0]?.toFixed(3)} to ${losses[9]?.toFixed(3)}`,
    )
    expect(losses[9]).toBeLessThan(losses[0]! / 2)
    expect(Math.abs(losses[0]! - expected[0]!) / losses[0]!).toBeLessThan(1e-5) // before any step there is nothing to grow
    expect(lossDifference).toBeLessThan(SPREADS * spread.losses)
    expect(stateDifference).toBeLessThan(SPREADS * spread.state)
  })
})
