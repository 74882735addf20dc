import { totalmem } from 'node:os'
import { toFloat32 } from '../../src/formats/tensor.js'
import { Session } from '../../src/session/session.js'
import { MODEL_NAMES } from '../../src/models/catalogue.js'
import { skip } from '../helpers/skip.js'
import { CLASSES, formulaBatch, loadFormula } from './formula.js'
import { expectParity, furthest, largest, processor, readFixture } from './rows.js'

/** Of the largest logit: float32 sums of some thousand products, taken in another order. */
const LOGITS_TOLERANCE = 1e-4
/** RegNet's fp32 gradients are noisy in training mode; PyTorch's own distance to double precision is the measure. */
const DISTANCES = 2
/** Standard errors: of some thousand comparisons none should be further off by chance. */
const STANDARD_ERRORS = 5

/** Weights, their copies on the way in, and the formula's. */
const LARGE = new Set(['regnet_y_128gf'])
const runLarge = process.env['TORCHGRAFT_TEST_LARGE'] === '1'

interface Gradients {
  readonly norms: Readonly<Record<string, number>>
  /** The first few numbers of each. */
  readonly first: Readonly<Record<string, readonly number[]>>
  /** How far PyTorch's fp32 is from double precision. */
  readonly distance: number
}

/** As generator/models.py has it: of the norm, and of the first numbers relative to the root mean square or the largest of them. */
function distanceOf(gradient: Float32Array, norm: number, first: readonly number[]): number {
  const ours = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0))
  const scale = Math.max(norm / Math.sqrt(gradient.length), largest(first))
  return Math.max(Math.abs(ours - norm) / norm, furthest(gradient.subarray(0, first.length), first) / scale)
}

const create = (model: Session['model'], freeze: 'none' | 'trunk' | 'batch-norm-statistics', kernels: 'auto' | 'plain' = 'auto'): Promise<Session> =>
  // Betas of 0 leave the gradient itself in exp_avg.
  Session.create({ model, classes: CLASSES, precision: 'fp32', device: 'cpu', threads: 2, freeze, kernels, optimizer: { betas: [0, 0] } })

beforeAll(() => void process.stderr.write(`parity of models, fp32: ${processor()}\n`))

describe('logits are torchvision’s', () => {
  const fixture = readFixture<Record<string, Record<string, number[][]>>>('logits')
  const cases = MODEL_NAMES.flatMap((model) => Object.keys(fixture[model] ?? {}).map((size) => [model, Number(size)] as const))

  test('of all variants', () => {
    expect(new Set(cases.map(([model]) => model))).toEqual(new Set(MODEL_NAMES))
  })

  test.each(cases.filter(([model]) => runLarge || !LARGE.has(model)))('%s at %d px', async (model, size) => {
    await using session = await create(model, 'trunk')
    await loadFormula(session)
    const { logits } = await session.evalStep(formulaBatch(2, size))
    const expected = fixture[model]?.[size]?.flat() ?? []
    expectParity(`logits of ${model} at ${size} px`, furthest(expected, logits) / largest(expected), LOGITS_TOLERANCE)
  }, 300_000)

  const reason = `takes 11 GB of memory (here ${Math.round(totalmem() / 1e9)} GB): set TORCHGRAFT_TEST_LARGE=1`
  for (const [model] of cases.filter(([name]) => !runLarge && LARGE.has(name))) skip(`logits of ${model}`, reason)
})

describe.each(['regnet_y_400mf', 'regnet_x_400mf'] as const)('%s', (model) => {
  test.each([
    ['batch statistics', 'none', 'auto'], ['batch statistics', 'none', 'plain'], ['running statistics', 'batch-norm-statistics', 'auto'], ['running statistics', 'batch-norm-statistics', 'plain'],
  ] as const)('gradients are PyTorch’s, with %s, freeze %s, kernels %s', async (mode, freeze, kernels) => {
    const { norms, first, distance } = readFixture<Record<string, Record<string, Gradients>>>('gradients')[model]![mode]!
    await using session = await create(model, freeze, kernels)
    await loadFormula(session)
    await session.trainStep(formulaBatch(16, 96), { lr: 0 })
    const state = await session.trainingState()
    expect(Object.keys(norms).length).toBe(state.size / 3)
    const distances = Object.entries(norms).map(([name, norm]) => distanceOf(toFloat32(state.get(`optimizer.exp_avg.${name}`)!), norm, first[name]!))
    expectParity(`gradients of ${model}, ${mode}, kernels ${kernels}, from double precision (PyTorch's fp32 ${distance.toExponential(1)})`, Math.max(...distances), DISTANCES * distance)
  })

  test('each parameter begins with the moments of torchvision’s', async () => {
    const fixture = readFixture<Record<string, Record<string, [number, number, number, number]>>>('initialization')[model]!
    await using session = await Session.create({ model, classes: 1000, device: 'cpu', precision: 'fp32', freeze: 'trunk', seed: 7 })
    const state = await session.stateDict()
    let worst = 0
    for (const [name, [count, mean, std, most]] of Object.entries(fixture)) {
      const values = toFloat32(state.get(name)!)
      const ourMean = values.reduce((sum, value) => sum + value, 0) / count
      const ourStd = Math.sqrt(values.reduce((sum, value) => sum + (value - ourMean) ** 2, 0) / count)
      expect(values.length).toBe(count)
      if (std === 0) {
        expect([name, ourMean, ourStd]).toEqual([name, mean, 0]) // ones and zeros
        continue
      }
      // Of the difference of two samples: each mean is off by std/√n, each standard deviation by std/√(2n) at most.
      worst = Math.max(
        worst, Math.abs(ourMean - mean) / (std * Math.sqrt(2 / count)), Math.abs(ourStd - std) / (std * Math.sqrt(1 / count)),
      )
      if (name.endsWith('.bias')) expect(largest(values)).toBeLessThanOrEqual(most * 1.5) // uniform: it has an end
    }
    expectParity(`initial weights of ${model}, in standard errors`, worst, STANDARD_ERRORS)
  })
})
