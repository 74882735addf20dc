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
    ['right', taken], ['absent', 0], ['none', tried], ['wrong', tried], ['reads-output', tried],
  ])
  for (const { distance } of Object.values(found)) expect(distance).toBeLessThan(1e-5)
})

describe('graphs of batch shapes', () => {
  const taken = (...shapes: readonly string[]): Promise<unknown> => engineCheck('recorded', ...shapes)
  const LARGEST = 32 // shapes that are kept
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i + 1}x32`)

  test('a shape is captured at the third time, and replayed from then on; another size of image is another shape', async () => {
    expect(await taken('2x32', '2x32', '3x32', '2x32', '2x64', '2x32', '3x32', '3x32', '2x64', '2x32')).toEqual([
      'eager', 'eager', 'eager', 'capture', 'eager', 'replay', 'eager', 'capture', 'eager', 'replay',
    ])
  })

  test('of more shapes than are kept, the one that was used least recently is forgotten', async () => {
    const [first, ...rest] = many(LARGEST)
    const captured = [first!, first!, first!]
    const stays = await taken(...captured, ...rest, first!) as string[]
    expect(stays.at(-1)).toBe('replay')
    const goes = await taken(...captured, ...rest, '1x64', first!) as string[]
    expect(goes.at(-1)).toBe('eager')
    const used = await taken(...captured, ...rest, first!, '1x64', first!, rest[0]!) as string[]
    expect(used.slice(-3)).toEqual(['eager', 'replay', 'eager'])
  })

  test('batches are padded to few sizes: usual ones are their own, and at most one row in nine is padding', async () => {
    const sizes = Array.from({ length: 512 }, (_, i) => i + 1)
    const rounded = await engineCheck('rounded', ...sizes.map(String)) as number[]
    for (const usual of [1, 2, 4, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 512]) expect(rounded[usual - 1]).toBe(usual)
    expect(sizes.filter((size, i) => rounded[i]! < size || (rounded[i]! - size) / rounded[i]! > 1 / 9)).toEqual([])
    expect(new Set(rounded.slice(0, 32)).size).toBe(24)
  })

  test('a replay of a folded model reads the weights that it was folded from last', async () => {
    const distances = await engineCheck('refolded') as number[]
    expect(distances.length).toBe(3)
    for (const distance of distances) expect(distance).toBeLessThan(TOLERANCES.fp32)
  })
})

test('cuDNN’s search is on for as long as a session’s call wants it, and then as it was', async () => {
  expect(await engineCheck('cudnn-benchmark')).toEqual([false, true, false, true, false])
})
