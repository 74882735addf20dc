// What a batch does with a decoded image: all of it in a black square, where the rule asks for that, and scaled to the model's size.
import { padded } from './pad.js'

/** @typedef {import('./sizes.js').Pixels} Pixels */
/** @typedef {Pick<import('./resample.js').Rule, 'crop' | 'pad'>} Rule */

const CHANNELS = 3

/**
 * A decoded image as the model takes it, size × size × 3: bytes where it was cropped to that size, and else floats from 0 to 255,
 * since what lies between two levels counts there.
 *
 * @param {Pixels} pixels decoded by the rule
 * @param {Rule} rule
 * @param {number} size
 * @returns {Uint8Array | Float32Array}
 */
export function atModelSize(pixels, { crop, pad }, size) {
  return crop === null ? stretch(pad === null ? pixels : padded(pixels), size) : pixels.data
}

/** Bilinear, without antialiasing, without regard to the image's shape. @param {Pixels} pixels @param {number} size */
function stretch({ data, width, height }, size) {
  const columns = samplePoints(width, size)
  const out = new Float32Array(size * size * CHANNELS)
  let to = 0
  for (const row of samplePoints(height, size)) {
    for (const column of columns) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        const at = (/** @type {number} */ y, /** @type {number} */ x) => data[(y * width + x) * CHANNELS + channel] ?? 0
        const top = at(row.low, column.low) + (at(row.low, column.high) - at(row.low, column.low)) * column.part
        const bottom = at(row.high, column.low) + (at(row.high, column.high) - at(row.high, column.low)) * column.part
        out[to++] = top + (bottom - top) * row.part
      }
    }
  }
  return out
}

/**
 * Along an axis, for each of `to` pixels: the two of `from` that its middle lies between, and how far.
 *
 * @param {number} from @param {number} to
 */
function samplePoints(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
    const low = Math.floor(place)
    return { low, high: Math.min(low + 1, from - 1), part: place - low }
  })
}
