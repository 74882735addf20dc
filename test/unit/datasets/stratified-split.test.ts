import { splitByContent } from '../../../src/datasets/stratified-split.js'

const images = (counts: readonly number[]) => counts.flatMap((count, label) => Array.from({ length: count }, (_, i) => ({ label, hash: `${label}-${i}` })))

describe('splitByContent', () => {
  test.each([
    { counts: [100, 20], val: 0.15, expected: [15, 3] },
    { counts: [2, 3, 7], val: 0.15, expected: [1, 1, 1] },
    { counts: [1, 10], val: 0.3, expected: [0, 3] },
    { counts: [4, 4], val: 0.9, expected: [3, 3] },
  ])('of $counts with $val takes $expected', ({ counts, val, expected }) => {
    const items = images(counts)
    const split = splitByContent(items, { val })
    expect(counts.map((_, label) => split.val.filter((i) => items[i]?.label === label).length)).toEqual(expected)
    expect([...split.train, ...split.val].sort((a, b) => a - b)).toEqual(items.map((_, i) => i))
  })

  test('exact duplicates fall into one split, across classes too', () => {
    const items = [...images([30, 30]), ...images([30, 30]), ...Array.from({ length: 30 }, (_, i) => ({ label: 1, hash: `0-${i}` }))]
    const { train, val } = splitByContent(items, { val: 0.3 })
    const learned = new Set(train.map((i) => items[i]?.hash))
    expect(val.filter((i) => learned.has(items[i]?.hash))).toEqual([])
    expect(val.length).toBeGreaterThan(20)
  })

  test('another order of the same images moves none', () => {
    const items = images([20, 20])
    const names = (list: typeof items): string[] => splitByContent(list, { val: 0.25 }).val.map((i) => list[i]?.hash ?? '').sort()
    expect(names([...items].reverse())).toEqual(names(items))
  })

  test('another seed takes others', () => {
    const items = images([50])
    expect(splitByContent(items, { val: 0.2, seed: 2 }).val).not.toEqual(splitByContent(items, { val: 0.2, seed: 1 }).val)
  })

  test('one more image moves at most one other in its class, and none elsewhere', () => {
    const before = images([40, 40])
    const after = [...before, { label: 0, hash: 'new' }]
    const names = (list: typeof before): Set<string> => new Set(splitByContent(list, { val: 0.2 }).val.map((i) => list[i]?.hash ?? ''))
    const [a, b] = [names(before), names(after)]
    expect([...a].filter((hash) => !b.has(hash)).length).toBeLessThanOrEqual(1)
    expect([...a].filter((hash) => hash.startsWith('1-'))).toEqual([...b].filter((hash) => hash.startsWith('1-')))
  })

  test.each([0, 1, -0.1, Number.NaN])('a fraction of %d is refused', (val) => {
    expect(() => splitByContent([], { val })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }))
  })
})
