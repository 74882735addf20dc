/** @typedef {import('./types.d.mts').Found} Found */
/** @typedef {import('./types.d.mts').Measured} Measured */
/** @typedef {readonly (readonly [string, string])[]} Facts */

const WIDTH = 80
/** Columns, by how wide they are. */
const NAME = 24
const SIDES = /** @type {const} */ ({ notebook: 9, tuned: 7, compiled: 9, torchgraft: 11 })
const NUMBERS = /** @type {const} */ ([7, 7, 6])

/**
 * All that was found, 80 columns wide.
 *
 * @param {{ readonly facts: Facts, readonly found: Found }} all
 */
export function makeTable({ facts, found: { results, measured, notes } }) {
  const lines = facts.flatMap(([name, value]) => hang(`${name.padEnd(11)}`, value))
  lines.push('', 'part       result     seconds  what')
  for (const { part, result, seconds, what } of results) {
    lines.push(...hang(`${part.padEnd(11)}${result.padEnd(11)}${seconds.toFixed(1).padStart(7)}  `, what))
  }
  if (measured.size > 0) lines.push('', ...speedLines([...measured.values()]))
  for (const note of notes) lines.push(...hang('note: ', note))
  return lines.join('\n')
}

/** @param {readonly Measured[]} rows */
function speedLines(rows) {
  const line = (/** @type {string} */ name, /** @type {readonly string[]} */ cells, /** @type {readonly string[]} */ numbers) => {
    const widths = [...Object.values(SIDES), ...NUMBERS]
    return `${name.padEnd(NAME)}${[...cells, ...numbers].map((cell, i) => cell.padStart(widths[i] ?? 0)).join('')}`.trimEnd()
  }
  const sides = /** @type {(keyof typeof SIDES)[]} */ (Object.keys(SIDES))
  return [
    line('images/s, or s', sides, ['bar', 'aim', '×']),
    ...rows.map((row) => {
      const digits = row.lower ? 1 : 0
      const cells = sides.map((side) => number(row.cells[side], digits))
      return line(row.name, cells, [number(row.bar, 0, ''), number(row.aim, 0, ''), number(timesBest(row), 2, '')])
    }),
    ...hang('', 'Bars and aims were set on an H200. ×: how many times as good torchgraft is as the best peer.'),
  ]
}

/** How many times as good torchgraft is as the best peer; undefined where one is missing. @param {Measured} row */
export function timesBest({ cells: { torchgraft, ...peers }, lower }) {
  const values = Object.values(peers)
  if (torchgraft === undefined || values.length === 0) return undefined
  return lower ? Math.min(...values) / torchgraft : torchgraft / Math.max(...values)
}

/** In a line: beside the best peers, and which bars are missed. @param {readonly Measured[]} rows */
export function compareSpeeds(rows) {
  const times = rows.flatMap((row) => timesBest(row) ?? [])
  const peers = times.length === 0 ? 'without peers' : `${Math.min(...times).toFixed(2)} to ${Math.max(...times).toFixed(2)} × the best peer`
  const barred = rows.filter(({ bar }) => bar !== undefined)
  const missed = barred.filter((row) => !reaches(row))
  const names = missed.length === 0 ? '' : ` (not: ${missed.map(({ name }) => name).join('; ')})`
  return `${rows.length} rows, ${peers}; ${barred.length - missed.length} of ${barred.length} bars reached${names}`
}

/** @param {Measured} row */
function reaches({ cells: { torchgraft = NaN }, lower, bar = NaN }) {
  return lower ? torchgraft <= bar : torchgraft >= bar
}

/** @param {number | undefined} value @param {number} digits @param {string} [missing] */
function number(value, digits, missing = '–') {
  return value === undefined ? missing : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** Words beside a head, wrapped, each further line below the first one's words. @param {string} head @param {string} words */
function hang(head, words) {
  /** @type {string[]} */
  const lines = []
  let line = head
  for (const word of words.split(' ')) {
    if (line.length + 1 + word.length > WIDTH && line.trim() !== '' && line !== head) {
      lines.push(line)
      line = ' '.repeat(head.length)
    }
    line += `${line.length === head.length ? '' : ' '}${word}`
  }
  return [...lines, line]
}
