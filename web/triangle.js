// Pillow's bilinear as native/pictures/resize.cc computes it: in single precision and in the order of its loops, so that the same bytes
// come out.

/** @typedef {import('./resample.js').Pixels} Pixels */
/** @typedef {import('./sizes.js').Size} Size */
/** @typedef {import('./sizes.js').Window} Window */
/** @typedef {{ readonly first: number, readonly weights: Float32Array }} Taps source pixels that an output pixel is made of */

const CHANNELS = 3
const { abs, fround, max, min, trunc } = Math

/**
 * A window of what a picture becomes when it is scaled.
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
  for (const [i, row] of rows.entries()) {
    sums.fill(0)
    for (const [k, weight] of row.weights.entries()) add(data, (row.first + k) * sums.length, weight, sums)
    alongX(sums, columns, out, i * window.width * CHANNELS)
  }
  return { data: out, width: window.width, height: window.height }
}

/** A row, as often as it weighs. @param {Uint8Array} data @param {number} from @param {number} weight @param {Float32Array} sums */
function add(data, from, weight, sums) {
  // The array rounds each sum.
  for (let i = 0; i < sums.length; i++) sums[i] = /** @type {number} */ (sums[i]) + fround(/** @type {number} */ (data[from + i]) * weight)
}

/** @param {Float32Array} row @param {readonly Taps[]} columns @param {Uint8Array} out @param {number} to */
function alongX(row, columns, out, to) {
  for (let i = 0; i < columns.length; i++) {
    const { first, weights } = /** @type {Taps} */ (columns[i])
    let [red, green, blue] = [0.5, 0.5, 0.5]
    for (let k = 0, at = first * CHANNELS; k < weights.length; k++, at += CHANNELS) {
      const weight = /** @type {number} */ (weights[k])
      red = fround(red + fround(/** @type {number} */ (row[at]) * weight))
      green = fround(green + fround(/** @type {number} */ (row[at + 1]) * weight))
      blue = fround(blue + fround(/** @type {number} */ (row[at + 2]) * weight))
    }
    out[to++] = min(trunc(red), 255)
    out[to++] = min(trunc(green), 255)
    out[to++] = min(trunc(blue), 255)
  }
}

/** Outputs `from` to `from` + `outputs` of `all`. @param {number} source @param {number} all @param {number} from @param {number} outputs @returns {Taps[]} */
function tapsOf(source, all, from, outputs) {
  const scale = source / all
  const support = max(scale, 1)
  return Array.from({ length: outputs }, (_, i) => {
    const centre = (from + i + 0.5) * scale
    const first = max(0, trunc(centre - support + 0.5))
    const end = min(source, trunc(centre + support + 0.5))
    const shares = Array.from({ length: end - first }, (_, k) => max(0, 1 - abs((first + k - centre + 0.5) / support)))
    const sum = shares.reduce((a, b) => a + b, 0)
    return { first, weights: Float32Array.from(shares, (share) => fround(share) / sum) }
  })
}
