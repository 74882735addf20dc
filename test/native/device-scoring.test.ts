import { engineCheck } from '../helpers/processes/engine-check.js'

// What scores on a GPU, on the CPU: folded layers with stand-ins for cuDNN's operators.

/** Of the largest logit. */
const TOLERANCES = { fp32: 1e-5, bf16: 0.05 }
const MODELS = ['regnet_y_400mf', 'regnet_x_400mf']

interface Folding {
  /** Of two states of the weights, two passes each. */
  readonly distances: readonly number[]
  readonly addresses: number
  readonly kept: boolean
}

test.each(['fp32', 'bf16'] as const)('%s: a GPU’s folded layers give the model’s logits, and follow its weights at the same addresses', async (precision) => {
  const found = (await engineCheck('folding', precision, ...MODELS)) as Record<string, Folding>
  expect(Object.keys(found)).toEqual(MODELS)
  for (const { distances, addresses, kept } of Object.values(found)) {
    expect(distances.length).toBe(4)
    expect(Math.max(...distances)).toBeLessThan(TOLERANCES[precision])
    expect(addresses).toBeGreaterThan(50)
    expect(kept).toBe(true)
  }
}, 60_000)

test('cuDNN’s operator is tried once a shape, and taken where it gives what convolution, bias, sum and ReLU give', async () => {
  const found = (await engineCheck('fused-choice')) as Record<string, { calls: number; distance: number }>
  // Two operators; passes of two shapes, tried once each; and two passes more of the first one.
  const [tried, taken] = [4, 8]
  expect(Object.entries(found).map(([name, { calls }]) => [name, calls])).toEqual([
    ['right', taken], ['none', tried], ['wrong', tried], ['reads-output', tried],
  ])
  for (const { distance } of Object.values(found)) expect(distance).toBeLessThan(1e-5)
})
