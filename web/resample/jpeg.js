// How torchgraft makes a JPEG smaller: its decoder takes a mean of each block of 2, 4 or 8, a triangle does the rest.
import { shrinkOnLoad } from './sizes.js'
import { scaled } from './triangle.js'
import { turned, turnedBack, uprightSize } from './orientation.js'

/** @typedef {import('./sizes.js').Pixels} Pixels */
/** @typedef {import('./sizes.js').Size} Size */

const CHANNELS = 3
/** Taken once: these are asked for each number of an image. */
const { ceil, floor, min, round } = Math

/**
 * @param {Pixels} pixels oriented, of the whole image
 * @param {Size} target
 * @param {number} orientation EXIF's number for how they were turned since, 1 where they were not
 * @returns {Pixels}
 */
export function resizeJpeg(pixels, target, orientation) {
  // As it lies in the file: blocks begin at its top left, and rows come before columns.
  const size = uprightSize(target, orientation)
  const file = turnedBack(pixels, orientation)
  const decoded = blockMeans(file, shrinkOnLoad(file, size))
  return turned(scaled(decoded, size, { left: 0, top: 0, ...size }), orientation)
}

/**
 * A mean for each block, which is what the reduced transforms of JPEG decoders give. They round light and colour, not red, green
 * and blue.
 *
 * @param {Pixels} pixels
 * @param {number} factor
 * @returns {Pixels}
 */
function blockMeans(pixels, factor) {
  if (factor === 1) return pixels
  const { data } = pixels
  const [width, height] = [ceil(pixels.width / factor), ceil(pixels.height / factor)]
  // What the last blocks lack is their edge, again.
  const columns = Int32Array.from({ length: width * factor }, (_, x) => min(x, pixels.width - 1) * CHANNELS)
  const out = new Uint8ClampedArray(width * height * CHANNELS)
  const sums = new Uint32Array(width * CHANNELS)
  const area = factor * factor
  // The mean of a block of 8 × 8 is one coefficient, often half way between two levels, and is then rounded up.
  const tie = factor === 8 ? 1 / 6 : 0
  for (let y = 0; y < height; y++) {
    sums.fill(0)
    for (let row = 0; row < factor; row++) {
      const line = min(y * factor + row, pixels.height - 1) * pixels.width * CHANNELS
      for (let x = 0; x < columns.length; x++) {
        const to = floor(x / factor) * CHANNELS
        const from = line + (columns[x] ?? 0)
        for (let channel = 0; channel < CHANNELS; channel++) sums[to + channel] = (sums[to + channel] ?? 0) + (data[from + channel] ?? 0)
      }
    }
    for (let x = 0; x < sums.length; x += CHANNELS) {
      const rgb = roundedAsJpeg((sums[x] ?? 0) / area, (sums[x + 1] ?? 0) / area, (sums[x + 2] ?? 0) / area, tie)
      out.set(rgb, y * sums.length + x)
    }
  }
  return { data: new Uint8Array(out.buffer), width, height }
}

/** Through JFIF's light and colour, in whole levels. @param {number} r @param {number} g @param {number} b @param {number} tie */
function roundedAsJpeg(r, g, b, tie) {
  const light = round(0.299 * r + 0.587 * g + 0.114 * b + tie)
  const blue = round(-0.168735892 * r - 0.331264108 * g + 0.5 * b)
  const red = round(0.5 * r - 0.418687589 * g - 0.081312411 * b)
  return [light + round(1.402 * red), light + round(-0.344136286 * blue - 0.714136286 * red), light + round(1.772 * blue)]
}
