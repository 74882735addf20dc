import { wrap } from '../../scripts/common/prose.mjs'
import type { ClassCount, DataStatistics, Spread } from '../explore/data-statistics.js'
import { plural } from '../text/plural.js'
import { some } from '../text/some.js'
import { columnsOf, cut, padColumns } from '../text/columns.js'
import { printable } from '../text/format.js'

const WIDTH = 80
/** Columns of a class's name. */
const MAX_LABEL = 28
const MAX_FAULTS = 20
/** Up to this ratio of the largest class to the smallest, classes count as equally large. */
const ALIKE = 1.2
/** From this ratio on, class weights are worth trying. */
const UNEVEN = 3

/** What `torchgraft stats` prints: bars that tell classes apart at a glance, no line wider than 80 columns. */
export function statisticsText(statistics: DataStatistics): string {
  const { classes, count, sizes, faults, notes, mean, std } = statistics
  const learned = classes.reduce((sum, { train }) => sum + train, 0)
  return [
    `${plural(count, 'image')} of ${plural(classes.length, 'class', 'classes')}: ${learned} to train on, ${count - learned} to score.`,
    '',
    ...bars(classes),
    '',
    ...balance(statistics),
    '',
    `Width    ${range(sizes.width)}`,
    `Height   ${range(sizes.height)}`,
    `Mean     ${triple(mean)}   of training images: red, green, blue in 0–1`,
    `Std      ${triple(std)}`,
    ...faultLines(faults),
    ...noteLines(notes),
    '',
  ].join('\n')
}

function bars(classes: readonly ClassCount[]): string[] {
  const rows = classes.map(({ label, ...counts }) => ({ label: shown(label), ...counts }))
  const label = Math.max(5, ...rows.map((row) => columnsOf(row.label)))
  const number = Math.max(5, ...rows.flatMap(({ train, val }) => [String(train).length, String(val).length]))
  const most = Math.max(...rows.map(({ train, val }) => train + val))
  const barWidth = WIDTH - label - 2 * (number + 2) - 2
  const cells = (value: number): number => (value === 0 ? 0 : Math.max(1, Math.round((value / most) * barWidth)))
  return [
    `${padColumns('class', label)}  ${'train'.padStart(number)}  ${'val'.padStart(number)}  █ train ░ val`,
    ...rows.map(({ label: text, train, val }) => {
      const bar = '█'.repeat(cells(train)) + '░'.repeat(Math.max(0, cells(train + val) - cells(train)))
      return `${padColumns(text, label)}  ${String(train).padStart(number)}  ${String(val).padStart(number)}  ${bar}`.trimEnd()
    }),
  ]
}

/** The ratio of the largest class to the smallest, in words. */
function balance({ classes, imbalance }: DataStatistics): string[] {
  const sorted = classes.map(({ label, train, val }) => ({ label: shown(label), total: train + val })).sort((a, b) => a.total - b.total)
  const [least, most] = [sorted[0]!, sorted.at(-1)!]
  if (imbalance === null) {
    const others = sorted.filter(({ total }) => total === 0).length - 1
    return [
      `No image of ${least.label}${others > 0 ? `, and of ${others} more,` : ''} can be read.`,
      'A model cannot learn a class that has no images.',
    ]
  }
  if (imbalance <= ALIKE) return [`All classes have about the same number of images: ${least.total === most.total ? String(least.total) : `${least.total} to ${most.total}`} each.`]
  const uneven = imbalance >= UNEVEN ? ['A model may neglect the small ones: try --class-weights balanced.'] : []
  return [`The largest class is ${most.label} with ${plural(most.total, 'image')},`, `${imbalance.toFixed(1)} times the smallest: ${least.label} with ${least.total}.`, ...uneven]
}

function faultLines(faults: DataStatistics['faults']): string[] {
  if (faults.length === 0) return ['', 'No faults: every image can be read.']
  const lines = some(faults.map(faultLine), MAX_FAULTS, (rest) => `and ${plural(rest, 'more file')} (--json names them all)`)
  return ['', `${plural(faults.length, 'file')} left out:`, ...lines]
}

/** Wraps notes between words; a word that is longer than a line is cut. */
function noteLines(notes: DataStatistics['notes']): string[] {
  const lines: string[] = notes.length > 0 ? [''] : []
  for (const note of notes) {
    let line = ''
    for (const word of printable(note).split(' ').map((each) => cut(each, WIDTH - 2))) {
      if (line !== '' && columnsOf(line) + 1 + columnsOf(word) > WIDTH) {
        lines.push(line)
        line = `  ${word}`
      } else line = line === '' ? word : `${line} ${word}`
    }
    lines.push(line)
  }
  return lines
}

/** A broken file and the reason, on one line where it fits. Of a long path the end is kept. */
function faultLine({ path, message }: DataStatistics['faults'][number]): string {
  const line = `  ${printable(path)}: ${printable(message)}`
  if (columnsOf(line) <= WIDTH) return line
  const reason = wrap(`    ${printable(message)}`, WIDTH, { columnsOf }).split('\n').map((part) => cut(part, WIDTH))
  return [`  ${cut(printable(path), WIDTH - 3, 'end')}:`, ...reason].join('\n')
}

function shown(label: string): string {
  return cut(printable(label), MAX_LABEL)
}

function range([min, median, max]: Spread): string {
  return min === max ? `${min} px` : `${min} to ${max} px, median ${median}`
}

function triple(numbers: readonly number[]): string {
  return numbers.map((value) => value.toFixed(4)).join('  ')
}
