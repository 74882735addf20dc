// Pillow's bilinear as native/images/resize.cc computes it: in single precision and in the order of its loops, so that the same bytes
// come out.

/** @typedef {import('./sizes.js').Pixels} Pixels */
/** @typedef {import('./sizes.js').Size} Size */
/** @typedef {import('./sizes.js').Window} Window */
/**
 * Source pixels that each output pixel is made of.
 *
 * @typedef {object} Taps
 * @property {Int32Array} first
 * @property {Int32Array} count
 * @property {Float32Array} weights
 * @property {number} most from one output's weights to the next one's
 */

const CHANNELS = 3
const { abs, ceil, fround, max, min, trunc } = Math

/**
 * A window of what an image becomes when it is scaled.
 *
 * @param {Pixels} pixels
 * @param {Size} size
 * @param {Window} window
 * @returns {Pixels}
 */
export function scaled({ data, width, height }, size, window) {
  const columns = tapsOf(width, size.width, window.left, window.width)
  const rows = tapsOf(height, size.height, window.top, window.height)
  const out = new Uint8Array(window.width * window.height * CHANNELS)
  const sums = new Float32Array(width * CHANNELS)
  const last = window.width - 1
  const [begin, end] = [columns.first[0] ?? 0, (columns.first[last] ?? 0) + (columns.count[last] ?? 0)]
  for (let i = 0; i < window.height; i++) {
    alongY(data, rows, i, sums, begin * CHANNELS, end * CHANNELS)
    alongX(sums, columns, out, i * window.width * CHANNELS)
  }
  return { data: out, width: window.width, height: window.height }
}

/**
 * @param {Uint8Array} data
 * @param {Taps} rows
 * @param {number} output
 * @param {Float32Array} sums of which `begin` to `end` are wanted
 * @param {number} begin
 * @param {number} end
 */
function alongY(data, { first, count, weights, most }, output, sums, begin, end) {
  const length = sums.length
  const row = /** @type {number} */ (first[output]) * length
  const from = output * most
  const to = from + /** @type {number} */ (count[output])
  for (let i = begin; i < end; i++) {
    let sum = 0
    for (let k = from, at = row + i; k < to; k++, at += length) {
      sum = fround(sum + fround(/** @type {number} */ (data[at]) * /** @type {number} */ (weights[k])))
    }
    sums[i] = sum
  }
}

/** @param {Float32Array} row @param {Taps} columns @param {Uint8Array} out @param {number} to */
function alongX(row, { first, count, weights, most }, out, to) {
  for (let i = 0; i < first.length; i++) {
    const end = i * most + /** @type {number} */ (count[i])
    let red = 0.5
    let green = 0.5
    let blue = 0.5
    for (let k = i * most, at = /** @type {number} */ (first[i]) * CHANNELS; k < end; k++, at += CHANNELS) {
      const weight = /** @type {number} */ (weights[k])
      red = fround(red + fround(/** @type {number} */ (row[at]) * weight))
      green = fround(green + fround(/** @type {number} */ (row[at + 1]) * weight))
      blue = fround(blue + fround(/** @type {number} */ (row[at + 2]) * weight))
    }
    out[to++] = min(red, 255)
    out[to++] = min(green, 255)
    out[to++] = min(blue, 255)
  }
}

/**
 * Outputs `from` to `from` + `outputs` of `all`.
 *
 * @param {number} source
 * @param {number} all
 * @param {number} from
 * @param {number} outputs
 * @returns {Taps}
 */
function tapsOf(source, all, from, outputs) {
  const scale = source / all
  const support = max(scale, 1)
  const most = ceil(support) * 2 + 1
  const taps = { first: new Int32Array(outputs), count: new Int32Array(outputs), weights: new Float32Array(outputs * most), most }
  for (let i = 0; i < outputs; i++) {
    const centre = (from + i + 0.5) * scale
    const first = max(0, trunc(centre - support + 0.5))
    const count = min(source, trunc(centre + support + 0.5)) - first
    const weights = taps.weights.subarray(i * most, i * most + count)
    let sum = 0
    for (let k = 0; k < count; k++) {
      const share = max(0, 1 - abs((first + k - centre + 0.5) / support))
      weights[k] = share
      sum += share
    }
    for (let k = 0; k < count; k++) weights[k] = /** @type {number} */ (weights[k]) / sum
    taps.first[i] = first
    taps.count[i] = count
  }
  return taps
}
