import type { ClassCount, DataStatistics } from '../../../src/explore/data-statistics.js'
import { columnsOf, cut, padColumns } from '../../../src/text/columns.js'
import { statisticsText } from '../../../src/report/statistics.js'

const CLASSES: readonly ClassCount[] = [
  { label: 'chapel', train: 61, val: 9 },
  { label: 'a\u001b[31mred', train: 8, val: 1 },
  { label: 'L'.repeat(60), train: 30, val: 5 },
]
const STATISTICS: DataStatistics = {
  classes: CLASSES, count: 114, imbalance: 70 / 9, sizes: { width: [240, 320, 640], height: [180, 180, 180] }, faults: [],
  passedOver: { endings: [], leftovers: [], unclassed: 0 }, contradictions: [], notes: [],
  mean: [0.44, 0.43, 0.43], std: [0.25, 0.26, 0.29],
}
const fault = (path: string, message = 'it is cut short') => ({ path, code: 'ERR_IMAGE_DECODE', message }) as const

test('classes are bars, and what is wrong with their balance is said in words', () => {
  expect(statisticsText({ ...STATISTICS, faults: [fault('chapel/a.jpg'), fault(`chapel/${'b'.repeat(70)}.jpg`)] })).toMatchInlineSnapshot(`
"114 images of 3 classes: 99 to train on, 15 to score.

class                         train    val  █ train ░ val
chapel                           61      9  ███████████████████████████████░░░░░
a\\u001b[31mred                    8      1  ████░
LLLLLLLLLLLLLLLLLLLLLLLLLLL…     30      5  ███████████████░░░

The largest class is chapel with 70 images,
7.8 times the smallest: a\\u001b[31mred with 9.
A model may neglect the small ones: try --class-weights balanced.

Width    240 to 640 px, median 320
Height   180 px
Mean     0.4400  0.4300  0.4300   of training images: red, green, blue in 0–1
Std      0.2500  0.2600  0.2900

2 files left out:
  chapel/a.jpg: it is cut short
  …l/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.jpg:
    it is cut short
"
`)
})

test.each<[string, Partial<DataStatistics>, RegExp]>([
  ['no faults', {}, /No faults: every image can be read\.\n$/],
  ['a class without images', { classes: [...CLASSES, { label: 'ruin', train: 0, val: 0 }], imbalance: null }, /\nNo image of ruin can be read\.\nA model cannot learn/],
  ['several of those', { classes: [...CLASSES, { label: 'ruin', train: 0, val: 0 }, { label: 'site', train: 0, val: 0 }], imbalance: null }, /\nNo image of ruin, and of 1 more, can be read\.\n/],
  ['classes of one size', { classes: [{ label: 'a', train: 4, val: 1 }, { label: 'b', train: 3, val: 2 }], count: 10, imbalance: 1 }, /\nAll classes have about the same number of images: 5 each\.\n/],
  ['classes of about one size', { classes: [{ label: 'a', train: 9, val: 2 }, { label: 'b', train: 8, val: 2 }], count: 21, imbalance: 1.1 }, /\nAll classes have about the same number of images: 10 to 11 each\.\n/],
  ['a slight imbalance', { classes: [{ label: 'a', train: 18, val: 2 }, { label: 'b', train: 8, val: 2 }], count: 30, imbalance: 2 }, /\nThe largest class is a with 20 images,\n2\.0 times the smallest: b with 10\.\n\nWidth/],
  ['one image', { classes: [{ label: 'a', train: 1, val: 0 }], count: 1, imbalance: 1 }, /^1 image of 1 class: 1 to train on, 0 to score\.\n/],
])('%s', (_, part, expected) => {
  expect(statisticsText({ ...STATISTICS, ...part })).toMatch(expected)
})

test('of many faults the first 20 are told, and how many more there are', () => {
  const text = statisticsText({ ...STATISTICS, faults: Array.from({ length: 23 }, (_, i) => fault(`chapel/${i}.jpg`)) })
  expect(text).toContain('23 files left out:\n  chapel/0.jpg: it is cut short\n')
  expect(text).toMatch(/ {2}chapel\/19\.jpg: it is cut short\nand 3 more files \(--json names them all\)\n$/)
})

test('of a fault all is said, however long: what to do stands at its end', () => {
  const text = statisticsText({ ...STATISTICS, faults: [fault('chapel/a.heic', `${'a reason '.repeat(12)}and what to do`)] })
  expect(text).toMatch(/\n {2}chapel\/a\.heic:\n {4}a reason [a ]+reason.*\n {4}.*and what to do\n$/s)
})

test('no line is wider than 80 columns, or holds a control character, whatever classes and files are called', () => {
  const names = ['\u001b]0;title\u0007', '図'.repeat(50), '\u202e'.repeat(30), '🏛️'.repeat(40), 'e\u0301'.repeat(50)]
  const classes = names.map((label, i) => ({ label, train: 10 ** i, val: 123_456 }))
  const text = statisticsText({ ...STATISTICS, classes, imbalance: 2, faults: names.map((name) => fault(`${name}/${name}`, name)) })
  expect(Math.max(...text.split('\n').map(columnsOf))).toBeLessThanOrEqual(80)
  // eslint-disable-next-line no-control-regex -- what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/)
})

test('bars are as long as their classes are large, and the smallest still has one', () => {
  const lines = statisticsText({ ...STATISTICS, classes: [{ label: 'many', train: 9400, val: 600 }, { label: 'half', train: 4700, val: 300 }, { label: 'few', train: 1, val: 0 }, { label: 'none', train: 0, val: 0 }] }).split('\n')
  const bar = (label: string) => /([█░]*)$/.exec(lines.find((line) => line.startsWith(label)) ?? '')?.[1]?.length
  expect(Math.abs(bar('many')! - 2 * bar('half')!)).toBeLessThanOrEqual(1)
  expect(bar('many')).toBeGreaterThan(50)
  expect([bar('few'), bar('none')]).toEqual([1, 0])
})

test.each([
  ['chapel', 6, 'chapel'], ['chapel', 5, 'chap…'], ['図書館', 6, '図書館'], ['図書館', 5, '図書…'], ['図書館', 4, '図…'], ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'], ['🏛️🏛️', 3, '🏛️…'],
])('%s cut to %d columns is %s', (text, most, expected) => expect(cut(text, most)).toBe(expected))
test('a cut may keep the end', () => expect(cut('chapel/a.jpg', 6, 'end')).toBe('…a.jpg'))
test('padding counts columns', () => expect(padColumns('図', 4)).toBe('図  '))
