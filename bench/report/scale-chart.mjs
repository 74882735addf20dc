import { escape, STYLE } from './chart-style.mjs'
import { machineName } from './table.mjs'

/** @typedef {import('../types.d.mts').Report} Report */
/** @typedef {{ readonly x: number, readonly y: number }} Point */

const PANEL = 330
const HEIGHT = 250
const LEFT = 64
const TOP = 70
/** Of the plot itself. */
const [WIDE, HIGH] = [240, 120]
/** So that the first point's number stands clear of the scale. */
const INSET = 30
const PANELS = [
  { unit: 's', title: 'seconds to the first batch' },
  { unit: 'MB', title: 'peak memory, MB' },
]

/**
 * Time and memory of indexing, splitting and the first batch against the number of images; both scales are logarithmic, so
 * that a straight line of slope 1 grows as the images do.
 *
 * @param {Report} report
 * @returns {string | undefined} SVG, readable in light and dark; nothing where no two numbers of images were measured
 */
export function drawScaleChart({ machine, date, measures }) {
  const rows = measures.filter(({ name, params }) => name === 'scale' && typeof params['images'] === 'number')
  const panels = PANELS.map(({ unit, title }) => ({
    title,
    points: rows
      .filter((row) => row.unit === unit)
      .map(({ params, torchgraft }) => ({ x: Number(params['images']), y: torchgraft.median })),
  }))
  if (panels.some(({ points }) => points.length < 2)) return undefined
  const width = PANEL * panels.length + 20
  const size = `viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="Time and memory against the number of images">
<style>${STYLE}
</style>
<text class="title" x="16" y="26">From a folder to its first batch</text>
<text class="quiet" x="16" y="46">${escape(machineName(machine))}, ${date.slice(0, 10)}</text>
${panels.map((panel, i) => drawPanel(panel, i * PANEL + LEFT)).join('\n')}
</svg>
`
}

/** @param {{ readonly title: string, readonly points: readonly Point[] }} panel @param {number} left */
function drawPanel({ title, points }, left) {
  const [across, up] = [axis(points.map(({ x }) => x)), axis(points.map(({ y }) => y))]
  const column = (/** @type {number} */ x) => left + INSET + across.place(x) * (WIDE - INSET)
  const at = (/** @type {Point} */ { x, y }) => ({ x: column(x), y: TOP + (1 - up.place(y)) * HIGH })
  const places = points.map((point) => ({ ...point, at: at(point) }))
  const bottom = TOP + HIGH
  return [
    ...up.ticks.map((tick) => `<line class="grid" x1="${left}" x2="${left + WIDE}" y1="${round(bottom - up.place(tick) * HIGH)}" y2="${round(bottom - up.place(tick) * HIGH)}"/><text class="quiet" x="${left - 6}" y="${round(bottom - up.place(tick) * HIGH + 4)}" text-anchor="end">${told(tick)}</text>`),
    ...points.map(({ x }) => `<text class="quiet" x="${round(column(x))}" y="${bottom + 18}" text-anchor="middle">${told(x)}</text>`),
    `<polyline class="line" points="${places.map(({ at: { x, y } }) => `${round(x)},${round(y)}`).join(' ')}"/>`,
    ...places.map(({ y, at: place }) => `<circle class="notebook" cx="${round(place.x)}" cy="${round(place.y)}" r="4"/><text class="quiet" x="${round(place.x)}" y="${round(place.y - 9)}" text-anchor="middle">${told(y)}</text>`),
    `<text class="quiet" x="${left}" y="${bottom + 42}">${escape(title)}, by images</text>`,
  ].join('')
}

/** Whole powers of ten. @param {readonly number[]} values */
function axis(values) {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  return {
    place: (/** @type {number} */ value) => (Math.log10(value) - low) / (high - low),
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
  }
}

/** @param {number} value */
function told(value) {
  return value >= 1000 ? value.toLocaleString('en', { maximumFractionDigits: 0 }) : String(Number(value.toPrecision(2)))
}

/** @param {number} value */
function round(value) {
  return Number(value.toFixed(1))
}
