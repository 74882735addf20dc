import { readFileSync } from 'node:fs'
import { mt19937 } from '../../../src/random/mt19937.js'
import { NOTEBOOK_DRAWS, notebookTrainTransform } from '../../../src/recipes/notebook/transforms.js'
import { numpyShuffled } from '../../../src/random/numpy.js'
import { torchEpochs } from '../../../src/recipes/notebook/epoch-random.js'
import { torchGenerator, torchLinear, torchRandperm, torchUniform } from '../../../src/random/torch.js'

interface Fixture {
  readonly shuffles: Readonly<Record<string, readonly number[]>>
  readonly randperm: Readonly<Record<string, readonly number[]>>
  /** By seed and epoch: brightness, angle, shear of some places. */
  readonly draws: Readonly<Record<string, readonly (readonly [number, number, number])[][]>>
  readonly head: {
    readonly weight: readonly number[]
    readonly bias: readonly number[]
    readonly after: readonly number[]
    readonly sum: number
  }
}

/** What numpy and PyTorch gave: test/parity/generate.py notebook. */
const fixture = JSON.parse(readFileSync(new URL('../../parity/fixtures/notebook.json', import.meta.url), 'utf8')) as Fixture
const EPOCHS = [0, 1, 3]
const PLACES = [0, 1, 2, 63, 64, 127]

test('numpy’s golden values: the first doubles of seed 1999', () => {
  const bits = mt19937(1999)
  const double = (): number => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53
  expect([double(), double(), double()]).toEqual([0.8245201736973794, 0.9846267585408929, 0.893144516735905])
})

test.each(Object.entries(fixture.shuffles))('%s images are shuffled as numpy shuffles them', (count, expected) => {
  expect(numpyShuffled(Number(count), 1999)).toEqual(expected)
})

test.each(Object.entries(fixture.randperm))('randperm with seed %s is PyTorch’s', (seed, expected) => {
  expect(torchRandperm(10, torchGenerator(Number(seed)))).toEqual(expected)
})

test('after randperm(10) with seed 1999, rand(3) goes on as PyTorch’s', () => {
  const bits = torchGenerator(1999)
  expect(torchRandperm(10, bits)).toEqual([1, 0, 2, 8, 9, 7, 4, 5, 3, 6])
  for (const golden of [0.8191038967, 0.0460330248, 0.9423177838]) expect(torchUniform(0, 1, bits)).toBeCloseTo(golden, 9)
})

describe.each(Object.entries(fixture.draws))('seed %s', (seed, epochs) => {
  test('each image draws what it draws in PyTorch, whichever is asked for first', () => {
    const epochsOf = torchEpochs(Number(seed), NOTEBOOK_DRAWS)
    const transform = notebookTrainTransform()
    for (const [i, epoch] of EPOCHS.entries()) {
      for (const [j, place] of [...PLACES.entries()].reverse()) {
        const plan = transform({ width: 30, height: 20, output: 24 }, epochsOf(epoch, place), 0)
        const [brightness, angle, shear] = epochs[i]![j]!
        const [turn, slope] = [(angle * Math.PI) / 180, Math.tan((shear * Math.PI) / 180)]
        expect(plan.colour?.[0]).toBe(Math.fround(brightness))
        expect(plan.geometry[3]).toBeCloseTo(-Math.sin(turn), 8) // the fixture has 9 digits
        expect(plan.geometry[1]).toBeCloseTo(Math.sin(turn) + slope * Math.cos(turn), 7)
      }
    }
  })
})

test('a new head is PyTorch’s, and leaves the generator where PyTorch’s is', () => {
  const bits = torchGenerator(7)
  const { weight, bias } = torchLinear(440, 20, bits)
  const rounded = (numbers: readonly number[]) => numbers.map((number) => Math.fround(number))
  expect([...weight.subarray(0, 8), ...weight.subarray(-8)]).toEqual(rounded(fixture.head.weight))
  expect([...bias]).toEqual(rounded(fixture.head.bias))
  expect(weight.reduce((sum, value) => sum + value, 0)).toBeCloseTo(fixture.head.sum, 6)
  expect([1, 2, 3, 4].map(() => torchUniform(0, 1, bits))).toEqual(rounded(fixture.head.after))
})
