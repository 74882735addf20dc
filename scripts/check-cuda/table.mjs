/** @typedef {import('./types.d.mts').Result} Result */
/** @typedef {import('./types.d.mts').Measured} Measured */
/** @typedef {readonly (readonly [string, string])[]} Facts */

const WIDTH = 80
const WHO = /** @type {const} */ (['notebook', 'tuned', 'compiled', 'torchgraft'])
const NAME = 27

/**
 * All that was found, 80 columns wide.
 *
 * @param {{ readonly facts: Facts, readonly results: readonly Result[], readonly measured: readonly Measured[] }} found
 */
export function makeTable({ facts, results, measured }) {
  const lines = facts.flatMap(([name, value]) => hang(`${name.padEnd(11)}`, value))
  lines.push('', 'part       result     seconds  what')
  for (const { part, result, seconds, what } of results) {
    lines.push(...hang(`${part.padEnd(11)}${result.padEnd(11)}${seconds.toFixed(1).padStart(7)}  `, what))
  }
  return [...lines, ...(measured.length > 0 ? ['', ...speedLines(measured)] : [])].join('\n')
}

/** @param {readonly Measured[]} measured */
function speedLines(measured) {
  const line = (/** @type {string} */ name, /** @type {readonly string[]} */ cells, times = '') =>
    `${name.padEnd(NAME)}${cells.map((cell) => cell.padStart(11)).join('')}${times.padStart(9)}`.trimEnd()
  const rows = measured.map(({ name, cells }) => {
    const times = timesBest(cells)
    return line(name, WHO.map((who) => number(cells[who]?.median, 0)), times?.toFixed(2))
  })
  const [first] = measured
  const firstSteps = first ? [line('first step, s', WHO.map((who) => number(first.cells[who]?.first, 1)))] : []
  return [line('images/s', WHO, '× best'), ...rows, ...firstSteps]
}

/** How many times as fast torchgraft is as the best peer; undefined where one is missing. @param {Measured['cells']} cells */
export function timesBest({ torchgraft, ...peers }) {
  const best = Math.max(...Object.values(peers).map(({ median }) => median))
  return torchgraft && best > 0 ? torchgraft.median / best : undefined
}

/** In a line. @param {readonly Measured[]} measured */
export function compareSpeeds(measured) {
  const times = measured.flatMap(({ cells }) => timesBest(cells) ?? [])
  if (times.length === 0) return `${measured.length} rows, without peers`
  return `${measured.length} rows; ${Math.min(...times).toFixed(2)} to ${Math.max(...times).toFixed(2)} × the best peer`
}

/** @param {number | undefined} value @param {number} digits */
function number(value, digits) {
  return value === undefined ? '–' : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
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
