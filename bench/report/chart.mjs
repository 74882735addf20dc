import { escape, STYLE } from './chart-style.mjs'
import { machineName } from './table.mjs'

/** @typedef {import('../types.d.mts').Row} Row */
/** @typedef {import('../types.d.mts').Report} Report */

const WIDTH = 800
const LABELS = 250
const RIGHT = 150
const TOP = 76
const ROW = 46
const BAR = 15

/**
 * How torchgraft stands to the notebook and to the best peer of each measure: bars from 1 to the right where it is better, to
 * the left where it is not, on a logarithmic scale.
 *
 * @param {Report} report @returns {string} SVG, readable in light and dark
 */
export function drawChart({ machine, date, measures }) {
  const rows = measures.filter(({ extra, ratioToBest }) => !extra && ratioToBest !== null)
  const ratios = rows.flatMap(({ ratioToBest, ratioToNotebook }) => [ratioToBest ?? 1, ratioToNotebook ?? 1])
  const { x, ticks } = scale(Math.min(...ratios, 0.8), Math.max(...ratios, 2))
  const height = TOP + rows.length * ROW + 40
  const bottom = TOP + rows.length * ROW
  const grid = ticks.map((tick) => `<line class="${tick === 1 ? 'one' : 'grid'}" x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 8}" y2="${bottom}"/><text class="quiet" x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${tick} ×</text>`)
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`
  const measured = `${escape(machineName(machine))}, ${date.slice(0, 10)}`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="How many times better torchgraft is, by measure">
<style>${STYLE}
</style>
<text class="title" x="16" y="26">How many times better torchgraft is${machine.gpu ? ` on an ${escape(machine.gpu.name)}` : ''}</text>
<text class="quiet" x="16" y="46">${measured}. Right of 1 × torchgraft is better, left of it the other.</text>
<rect class="notebook" x="476" y="16" width="12" height="12" rx="2"/><text x="494" y="26">than the notebook</text>
<rect class="best" x="636" y="16" width="12" height="12" rx="2"/><text x="654" y="26">than the best peer</text>
${grid.join('\n')}
${rows.map((row, i) => drawRow(row, TOP + i * ROW, x)).join('\n')}
</svg>
`
}

/** @param {Row} row @param {number} y @param {(ratio: number) => number} x */
function drawRow({ name, model, params, best, ratioToBest, ratioToNotebook }, y, x) {
  const { batch, precision } = params
  const about = [
    model?.replace('regnet_', ''),
    batch === undefined || batch === null ? undefined : `batch ${batch}`,
    precision,
  ].filter((part) => part)
  return [
    `<text x="16" y="${y + 14}">${escape(name)}</text><text class="quiet" x="16" y="${y + 30}">${escape(about.join(', '))}</text>`,
    ratioToNotebook === null ? '' : bar(ratioToNotebook, y, 'notebook', '', x),
    ratioToBest === null ? '' : bar(ratioToBest, y + BAR + 2, 'best', best ?? '', x),
  ].join('')
}

/** @param {number} ratio @param {number} y @param {string} kind @param {string} peer @param {(ratio: number) => number} x */
function bar(ratio, y, kind, peer, x) {
  const [from, to] = [Math.min(x(1), x(ratio)), Math.max(x(1), x(ratio))]
  const label = `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)} ×${peer ? ` ${escape(peer)}` : ''}`
  return `<rect class="${kind}" x="${from.toFixed(1)}" y="${y}" width="${Math.max(1, to - from).toFixed(1)}" height="${BAR}" rx="2"/><text class="quiet" x="${(to + 6).toFixed(1)}" y="${y + 12}">${label}</text>`
}

/** @param {number} least @param {number} most */
function scale(least, most) {
  const [low, high] = [Math.log(least) - 0.08, Math.log(most) + 0.08]
  const x = (/** @type {number} */ ratio) =>
    Number((LABELS + ((Math.log(ratio) - low) / (high - low)) * (WIDTH - LABELS - RIGHT)).toFixed(1))
  const ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].filter((tick) => tick >= least && tick <= most)
  return { x, ticks }
}
