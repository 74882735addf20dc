import { buildEngineCheck, engineCheckWith } from '../helpers/engine-check.js'

/** Distances of output, data gradient and weight gradient from libtorch's in double, relative to the largest number. */
type Distances = readonly (number | null)[]

interface Row {
  readonly name: string
  readonly own: Distances
  /** Of libtorch's own convolution in the same type; null: it came to no number. */
  readonly library: Distances
  /** Whether a second time came to the same bytes. */
  readonly repeats: boolean
}

// The order of sums differs, so of two roundings either may be the nearer one, by a few units in the last place.
const FLOAT_SLACK = 1e-6
const BF16_SLACK = 1e-4
const TIMES = 1.5

/** What holds a processor down to one that has less: nothing on one that has no more. */
const PROCESSORS: readonly [string, NodeJS.ProcessEnv][] = [
  ['this processor', {}],
  ['AVX-512 without tiles', { ATEN_CPU_CAPABILITY: 'avx512' }],
  ['AVX2 alone', { ATEN_CPU_CAPABILITY: 'avx2', ONEDNN_MAX_CPU_ISA: 'AVX2' }],
]

describe.each(PROCESSORS)('the convolutions that are computed by loops and products of our own, with %s', (_, held) => {
  let rows: readonly Row[]

  beforeAll(async () => {
    await buildEngineCheck()
    rows = (await engineCheckWith(held, 'convolutions')) as Row[]
  }, 300_000)

  test('are as near to double as libtorch\'s, for every width of groups, stride, odd shape and type, and as infinite', () => {
    const further = rows.filter(({ name, own, library }) => {
      const slack = name.includes('Float') && !name.startsWith('autocast') ? FLOAT_SLACK : BF16_SLACK
      return own.some((distance, pass) => distance === null || distance > TIMES * (library[pass] ?? Infinity) + slack)
    })
    expect(further).toEqual([])
    expect(rows.length).toBeGreaterThan(30)
  })

  test('come to the same bytes each time', () => {
    expect(rows.filter((row) => !row.repeats)).toEqual([])
  })
})
