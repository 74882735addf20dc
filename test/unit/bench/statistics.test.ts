import { makeRow } from '../../../bench/report/row.mjs'
import { bestOf, ratio, summarize } from '../../../bench/report/statistics.mjs'

const about = { name: 'train-step', model: 'regnet_y_400mf', params: { batch: 32 }, unit: 'images/s', better: 'higher' } as const

describe('the statistics of a bench', () => {
  test.each([
    [[3], { median: 3, min: 3, max: 3, repeats: 1 }],
    [[5, 1, 3], { median: 3, min: 1, max: 5, repeats: 3 }],
    [[10, 2, 4, 8], { median: 6, min: 2, max: 10, repeats: 4 }],
  ])('%j has the median, the ends and the count %j', (values, expected) => {
    expect(summarize(values)).toEqual(expected)
  })

  test('nothing has no median', () => {
    expect(() => summarize([])).toThrow('at least one value')
  })

  test.each([
    ['higher', 30, 10, 3],
    ['higher', 10, 30, 1 / 3],
    ['lower', 10, 30, 3],
    ['lower', 30, 10, 1 / 3],
  ] as const)('where %s is better, %d beside %d is a ratio of %d: above 1 is better', (better, one, other, expected) => {
    expect(ratio(summarize([one]), summarize([other]), better)).toBeCloseTo(expected, 10)
  })

  test('beside zero there is no ratio', () => {
    expect(ratio(summarize([0]), summarize([3]), 'lower')).toBeNull()
    expect(ratio(summarize([3]), summarize([0]), 'higher')).toBeNull()
  })

  test.each([
    ['higher', 'b'],
    ['lower', 'a'],
  ] as const)('where %s is better, the best is %s by its median', (better, expected) => {
    expect(bestOf({ a: summarize([1, 2, 9]), b: summarize([3]) }, better)).toBe(expected)
    expect(bestOf({}, better)).toBeNull()
  })
})

describe('a row', () => {
  test('compares torchgraft with the best peer and with the notebook', () => {
    const row = makeRow(about, { torchgraft: [40, 42, 44], notebook: [14], tuned: [21, 20, 22] })
    expect(row).toMatchObject({ best: 'tuned', ratioToBest: 2, ratioToNotebook: 3, torchgraft: { median: 42, min: 40, max: 44, repeats: 3 } })
    expect(row.peers['tuned']).toEqual({ median: 21, min: 20, max: 22, repeats: 3 })
  })

  test('of a measure where less is better takes the peer with the least for the best', () => {
    const row = makeRow({ ...about, better: 'lower' }, { torchgraft: [2], notebook: [8], onnxruntime: [1] })
    expect(row).toMatchObject({ best: 'onnxruntime', ratioToBest: 0.5, ratioToNotebook: 4 })
  })

  test('without peers has null where they would be compared', () => {
    expect(makeRow(about, { torchgraft: [1] })).toEqual({
      ...about, torchgraft: { median: 1, min: 1, max: 1, repeats: 1 }, peers: {}, best: null, ratioToBest: null,
      ratioToNotebook: null,
    })
  })

  test('has no empty lists of what was left out or compared', () => {
    const row = makeRow({ ...about, leftOut: {}, same: [], how: { torchgraft: 'fp32' }, extra: true, note: 'so' }, { torchgraft: [1] })
    expect(Object.keys(row)).toEqual(expect.arrayContaining(['how', 'extra', 'note']))
    expect(row).not.toHaveProperty('leftOut')
    expect(row).not.toHaveProperty('same')
  })
})
