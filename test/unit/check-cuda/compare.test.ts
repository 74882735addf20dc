import { aboveChance, furthest, percent, sideBySide } from '../../../scripts/check-cuda/compare.mjs'

describe('how far losses lie apart', () => {
  test.each<[number[], number[], number, number]>([
    [[2, 1, 0.5], [2, 1, 0.5], 0, 0],
    [[2, 1.1, 0.5], [2, 1, 0.4], 0.05, 1],
    [[2, 1, 0.02], [2, 1, 0.01], 0.005, 2], // twice as large, and nothing but noise
    [[2, NaN, 0.5], [2, 1, 0.5], Infinity, 1],
    [[2, 1], [2, 1, 0.5], Infinity, 2],
    [[], [2], Infinity, 0],
  ])('%j beside %j: %d of the first, at %i', (losses, expected, share, at) => {
    const found = furthest(losses, expected)
    expect(found.share).toBeCloseTo(share, 10)
    expect(found.at).toBe(at)
  })

  test('none beside none is infinitely far: nothing was compared', () => {
    expect(furthest([], []).share).toBe(Infinity)
  })

  test('side by side, a missing one is a dash', () => {
    expect(sideBySide([1.5, 1], [1.25])).toBe('   1    1.5000    1.2500\n   2    1.0000         –')
  })
})

test.each([
  [20, 90, 0.142],
  [2, 100, 0.7],
])('of %i classes and %i images, guessing stays below %d', (classes, images, share) => {
  expect(aboveChance(classes, images)).toBeCloseTo(share, 3)
})

test.each([
  [0.0012, '0.12 %'],
  [0.123, '12.3 %'],
  [Infinity, 'without end'],
])('%d is %s', (share, words) => {
  expect(percent(share)).toBe(words)
})
