import type { Found, Measured } from '../../../scripts/check-cuda/types.d.mts'
import { compareSpeeds, makeTable, timesBest } from '../../../scripts/check-cuda/table.mjs'

const rows: readonly Measured[] = [
  { name: 'UVA-like, 12 epochs, s', cells: { torchgraft: 7.26 }, lower: true, bar: 8, aim: 5 },
  { name: '400MF, batch 128', cells: { notebook: 2601, tuned: 3119, compiled: 11_638, torchgraft: 14_000 }, bar: 11_700, aim: 14_000 },
  { name: 'start to first step, s', cells: { notebook: 4.2, tuned: 3.9, compiled: 61, torchgraft: 3.12 }, lower: true, bar: 3, aim: 2 },
  { name: '400MF, batch 32', cells: { notebook: 854, torchgraft: 427 }, bar: 5000, aim: 8000 },
  { name: '400MF, batch 128, plain', cells: { torchgraft: 3100 } },
  { name: '16GF, batch 64', cells: {}, bar: 1400, aim: 1650 },
]
const results = [
  { part: 'build', result: 'ok', seconds: 41.26, what: 'sees cuda:0' },
  { part: 'train', result: 'FAILED', seconds: 3, what: Array.from({ length: 30 }, (_, i) => `reason ${i}`).join(' ') },
  { part: 'notebook', result: 'left out', seconds: 0, what: 'python3 has no torchvision' },
] as const
const note = 'Steps are launched one operation after another, since CUDA’s headers were not there when the addon was built'
const foundOf = (measured: readonly Measured[]): Found => ({
  results: [...results],
  measured: new Map(measured.map((row) => [row.name, row])),
  notes: new Set([note]),
})

describe('the table of check:cuda', () => {
  const facts = [['GPU', 'NVIDIA H200'], ['libtorch', `2.11.0 in /${'folder/'.repeat(20)}`]] as const
  const table = makeTable({ facts, found: foundOf(rows) })

  test('says of each part how it went', () => {
    expect(table).toContain('GPU        NVIDIA H200\n')
    expect(table).toContain('build      ok            41.3  sees cuda:0\n')
    expect(table).toMatch(/^notebook {3}left out +0\.0 {2}python3 has no torchvision$/m)
  })

  test('has bar and aim beside each row, and how many times as good as the best peer torchgraft is', () => {
    expect(table).toContain(`
images/s, or s           notebook  tuned compiled torchgraft    bar    aim     ×
UVA-like, 12 epochs, s          –      –        –        7.3      8      5
400MF, batch 128            2,601  3,119   11,638     14,000 11,700 14,000  1.20
start to first step, s        4.2    3.9     61.0        3.1      3      2  1.25
400MF, batch 32               854      –        –        427  5,000  8,000  0.50
400MF, batch 128, plain         –      –        –      3,100
16GF, batch 64                  –      –        –          –  1,400  1,650
Bars and aims were set on an H200.`)
  })

  test('tells why the device could be faster', () => {
    expect(table.replace(/\s+/g, ' ')).toContain(`note: ${note}`)
  })

  test('is 80 columns wide, but for words that are longer', () => {
    expect(table.split('\n').filter((line) => line.length > 80 && !line.includes('folder/'))).toEqual([])
    expect(table).toMatch(/^train {6}FAILED {9}3\.0 {2}reason 0 .*\n {31}reason /m)
  })

  test('of nothing measured it has no rows', () => {
    expect(makeTable({ facts: [], found: foundOf([]) })).not.toContain('images/s')
  })
})

test.each<[Measured, number | undefined]>([
  [{ name: 'more is better', cells: { tuned: 50, compiled: 100, torchgraft: 150 } }, 1.5],
  [{ name: 'less is better', cells: { tuned: 4, compiled: 60, torchgraft: 2 }, lower: true }, 2],
  [{ name: 'no peers', cells: { torchgraft: 2 } }, undefined],
  [{ name: 'no torchgraft', cells: { tuned: 2 } }, undefined],
])('%j: torchgraft is %d times as good as the best peer', (row, times) => {
  expect(timesBest(row)).toBe(times)
})

test.each<[string, readonly Measured[], string]>([
  ['all', rows, '6 rows, 0.50 to 1.25 × the best peer; 2 of 5 bars reached (not: start to first step, s; 400MF, batch 32; 16GF, batch 64)'],
  ['no peers, and no bar that is missed', rows.slice(0, 1), '1 rows, without peers; 1 of 1 bars reached'],
])('in a line: %s', (_, measured, words) => {
  expect(compareSpeeds(measured)).toBe(words)
})
