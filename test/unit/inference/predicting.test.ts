import { defaultBatchSize } from '../../../src/inference/batch-size.js'
import { largestIndices } from '../../../src/inference/largest-indices.js'
import { startedAhead } from '../../../src/inference/started-ahead.js'
import { random } from '../../../src/random/sfc32.js'
import { collect } from '../../helpers/loader.js'

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i
}

describe('startedAhead', () => {
  test('gives the results in order, with no more under way than it is told', async () => {
    let underWay = 0
    let most = 0
    const slowFirst = async (item: number): Promise<string> => {
      most = Math.max(most, ++underWay)
      for (let turn = 0; turn < 20 - item; turn++) await Promise.resolve()
      underWay--
      return `r${item}`
    }
    expect(await collect(startedAhead(numbers(9), 2, slowFirst))).toEqual(Array.from({ length: 9 }, (_, i) => `r${i}`))
    expect(most).toBe(3)
  })

  test('throws an error in its turn, and closes what it reads', async () => {
    let closed = false
    async function* closing(): AsyncGenerator<number> {
      try {
        yield* numbers(9)
      } finally {
        closed = true
      }
    }
    const found: number[] = []
    const work = async (item: number): Promise<number> => {
      if (item === 2) throw new Error('third')
      return item
    }
    await expect((async () => {
      for await (const result of startedAhead(closing(), 1, work)) found.push(result)
    })()).rejects.toThrow('third')
    expect(found).toEqual([0, 1])
    expect(closed).toBe(true)
  })
})

describe('largestIndices', () => {
  test.each<[number[], number, number[]]>([
    [[], 3, []], [[5], 1, [0]], [[1, 3, 2], 3, [1, 2, 0]], [[1, 3, 2], 2, [1, 2]],
    [[1, 3, 2], 9, [1, 2, 0]], [[2, 2, 2], 2, [0, 1]], [[0, 1, 1, 0], 4, [1, 2, 0, 3]],
  ])('of %j the %i largest are at %j', (values, count, expected) => {
    expect(largestIndices(values, count)).toEqual(expected)
  })

  test.each([1, 5, 64, 65, 200])('%i of many are those that sorting finds', (count) => {
    const next = random(3, count)
    const values = Float32Array.from({ length: 200 }, () => Math.floor(next() * 40))
    const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]!)
    expect(largestIndices(values, count)).toEqual(sorted.slice(0, count))
  })
})

test.each([
  ['cpu', 224, 32], ['cpu', 1024, 32], ['cuda:0', 224, 128], ['cuda:0', 64, 128], ['cuda:1', 288, 72], ['cuda:0', 384, 40], ['cuda:0', 2048, 32],
])('on %s %i px are scored by %i images at once', (device, size, expected) => {
  expect(defaultBatchSize(device, size)).toBe(expected)
})
