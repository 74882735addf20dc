import type { Measured } from '../../../scripts/check-cuda/types.d.mts'
import { compareSpeeds, makeTable } from '../../../scripts/check-cuda/table.mjs'

const cell = (median: number, first = 1): { median: number; first: number } => ({ median, first })
const measured: Measured[] = [
  {
    name: '400MF, batch 128',
    cells: { notebook: cell(2601, 4.2), tuned: cell(3119, 3.9), compiled: cell(11638, 61), torchgraft: cell(14000, 1.94) },
  },
  { name: '400MF, batch 32', cells: { notebook: cell(854), torchgraft: cell(427) } },
  { name: '400MF, batch 128, fp16', cells: { torchgraft: cell(13000) } },
]
const results = [
  { part: 'build', result: 'ok', seconds: 41.26, what: 'sees cuda:0' },
  { part: 'train', result: 'FAILED', seconds: 3, what: Array.from({ length: 30 }, (_, i) => `reason ${i}`).join(' ') },
  { part: 'notebook', result: 'left out', seconds: 0, what: 'python3 has no torchvision' },
] as const

describe('the table of check:cuda', () => {
  const table = makeTable({ facts: [['GPU', 'NVIDIA H200'], ['libtorch', `2.11.0 in /${'folder/'.repeat(20)}`]], results, measured })

  test('says of each part how it went, and of each row how many times as fast as the best peer torchgraft is', () => {
    expect(table).toContain('GPU        NVIDIA H200\n')
    expect(table).toContain('build      ok            41.3  sees cuda:0\n')
    expect(table).toMatch(/^notebook {3}left out +0\.0 {2}python3 has no torchvision$/m)
    expect(table).toMatch(/^400MF, batch 128 +2,601 +3,119 +11,638 +14,000 +1\.20$/m)
    expect(table).toMatch(/^400MF, batch 32 +854 +– +– +427 +0\.50$/m)
    expect(table).toMatch(/^400MF, batch 128, fp16 +– +– +– +13,000$/m)
    expect(table).toMatch(/^first step, s +4\.2 +3\.9 +61\.0 +1\.9$/m)
  })

  test('is 80 columns wide, but for words that are longer', () => {
    expect(table.split('\n').filter((line) => line.length > 80 && !line.includes('folder/'))).toEqual([])
    expect(table).toMatch(/^train {6}FAILED {9}3\.0 {2}reason 0 .*\n {31}reason /m)
  })

  test('of nothing measured it has no rows', () => {
    expect(makeTable({ facts: [], results, measured: [] })).not.toContain('images/s')
  })
})

test.each<[Measured[], string]>([
  [measured, '3 rows; 0.50 to 1.20 × the best peer'],
  [measured.slice(2), '1 rows, without peers'],
])('speeds in a line', (rows, words) => {
  expect(compareSpeeds(rows)).toBe(words)
})
