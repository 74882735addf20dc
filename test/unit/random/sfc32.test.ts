import { random, shuffle } from '../../../src/random/sfc32.js'

const draw = (count: number, ...keys: number[]): number[] => {
  const next = random(...keys)
  return Array.from({ length: count }, next)
}

describe('random', () => {
  test('the same keys give the same numbers, in any process', () => {
    expect(draw(3, 1, 2, 3)).toEqual(draw(3, 1, 2, 3))
    expect(draw(3, 1, 2, 3)).toMatchInlineSnapshot(`
[
  0.31531617464497685,
  0.47886459110304713,
  0.9961825478821993,
]
`)
  })

  test.each([[[1, 2], [2, 1]], [[0], [0, 0]], [[1], [2 ** 32 + 1]], [[5, 0, 1], [5, 1, 0]]])('keys %j and %j differ', (a, b) => {
    expect(draw(4, ...a)).not.toEqual(draw(4, ...b))
  })

  test('neighbouring keys give numbers that are spread evenly', () => {
    const firsts = Array.from({ length: 4000 }, (_, i) => draw(1, 7, 0, i)[0] as number)
    const bins = new Array<number>(10).fill(0)
    for (const value of firsts) bins[Math.floor(value * 10)]!++
    expect(Math.min(...bins)).toBeGreaterThan(330) // 400 each; a deviation of 70 is 3.7 sigma
    expect(Math.max(...bins)).toBeLessThan(470)
    const lag = firsts.slice(1).reduce((sum, value, i) => sum + (value - 0.5) * (firsts[i]! - 0.5), 0) / firsts.length
    expect(Math.abs(lag * 12)).toBeLessThan(0.06)
  })
})

test('shuffle keeps every item', () => {
  const items = shuffle(Uint32Array.from({ length: 100 }, (_, i) => i), random(1))
  expect([...items]).not.toEqual([...items].sort((a, b) => a - b))
  expect([...items].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
})
