// How torchgraft makes a JPEG smaller: its decoder takes a mean of each block of 2, 4 or 8, a triangle does the rest, in single
// precision and in the order of its own loops, so that the same bytes come out.

/** @typedef {import('./resample.js').Pixels} Pixels */
/** @typedef {import('./resample.js').Size} Size */

const CHANNELS = 3
/** Taken once: these are asked for each number of a picture. */
const { abs, ceil, floor, fround, max, min, round, trunc } = Math

/**
 * @param {Pixels} pixels oriented, of the whole picture
 * @param {Size} target
 * @param {number} orientation EXIF's number for how they were turned since, 1 where they were not
 * @returns {Pixels}
 */
export function resizeJpeg(pixels, target, orientation) {
  const decoded = blockMeans(pixels, decodedBy(pixels, target), orientation)
  if (decoded.width === target.width && decoded.height === target.height) return decoded
  // The file's own rows come first, whichever way they run now.
  const rows = orientation >= 5 ? 'width' : 'height'
  const columns = orientation >= 5 ? 'height' : 'width'
  const half = along({ ...decoded, data: Float32Array.from(decoded.data) }, rows, target[rows], 0)
  const whole = along(half, columns, target[columns], 0.5)
  return { data: Uint8Array.from(whole.data, (value) => min(max(trunc(value), 0), 255)), ...target }
}

/** By how much its decoder makes it smaller itself. @param {Size} size @param {Size} target */
function decodedBy(size, target) {
  const shrink = min(size.width / target.width, size.height / target.height)
  const factor = [8, 4, 2].find((each) => shrink >= each) ?? 1
  return factor > 1 && floor(shrink) === factor ? factor / 2 : factor
}

/**
 * A mean for each block, which is what the reduced transforms of JPEG decoders give. They round light and colour, not red, green
 * and blue.
 *
 * @param {Pixels} pixels
 * @param {number} factor
 * @param {number} orientation
 * @returns {Pixels}
 */
function blockMeans(pixels, factor, orientation) {
  if (factor === 1) return pixels
  const { data } = pixels
  const [width, height] = [ceil(pixels.width / factor), ceil(pixels.height / factor)]
  // Blocks begin at the file's own top left, wherever that is now; what the last lacks is its edge, again.
  const top = [3, 4, 7, 8].includes(orientation) ? pixels.height - height * factor : 0
  const left = [2, 3, 6, 7].includes(orientation) ? pixels.width - width * factor : 0
  const columns = Int32Array.from({ length: width * factor }, (_, x) => min(max(left + x, 0), pixels.width - 1) * CHANNELS)
  const out = new Uint8ClampedArray(width * height * CHANNELS)
  const sums = new Uint32Array(width * CHANNELS)
  const area = factor * factor
  // The mean of a block of 8 × 8 is one coefficient, often half way between two levels, and is then rounded up.
  const tie = factor === 8 ? 1 / 6 : 0
  for (let y = 0; y < height; y++) {
    sums.fill(0)
    for (let row = 0; row < factor; row++) {
      const line = min(max(top + y * factor + row, 0), pixels.height - 1) * pixels.width * CHANNELS
      for (let x = 0; x < columns.length; x++) {
        const to = floor(x / factor) * CHANNELS
        const from = line + (columns[x] ?? 0)
        for (let channel = 0; channel < CHANNELS; channel++) sums[to + channel] = (sums[to + channel] ?? 0) + (data[from + channel] ?? 0)
      }
    }
    for (let x = 0; x < sums.length; x += CHANNELS) out.set(roundedAsJpeg((sums[x] ?? 0) / area, (sums[x + 1] ?? 0) / area, (sums[x + 2] ?? 0) / area, tie), y * sums.length + x)
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

/**
 * One axis through the triangle, each product and sum rounded to single precision.
 *
 * @param {{ readonly data: Float32Array, readonly width: number, readonly height: number }} pixels
 * @param {'width' | 'height'} axis
 * @param {number} outputs
 * @param {number} begin what sums begin with
 */
function along({ data, width, height }, axis, outputs, begin) {
  const size = { width, height, [axis]: outputs }
  const [source, step, lanes, laneStep] = axis === 'width' ? [width, CHANNELS, height, width * CHANNELS] : [height, width * CHANNELS, width, CHANNELS]
  const [outStep, outLaneStep] = axis === 'width' ? [CHANNELS, size.width * CHANNELS] : [size.width * CHANNELS, CHANNELS]
  const out = new Float32Array(size.width * size.height * CHANNELS)
  for (let i = 0; i < outputs; i++) {
    const { first, weights } = triangle(source, outputs, i)
    for (let lane = 0; lane < lanes; lane++) {
      const from = lane * laneStep + first * step
      for (let channel = 0; channel < CHANNELS; channel++) {
        let sum = begin
        for (let k = 0; k < weights.length; k++) sum = fround(sum + fround((data[from + k * step + channel] ?? 0) * (weights[k] ?? 0)))
        out[lane * outLaneStep + i * outStep + channel] = sum
      }
    }
  }
  return { data: out, width: size.width, height: size.height }
}

/** Pillow's bilinear: as wide as the pixels are apart. @param {number} source @param {number} outputs @param {number} i */
function triangle(source, outputs, i) {
  const scale = source / outputs
  const support = max(scale, 1)
  const centre = (i + 0.5) * scale
  const first = max(0, trunc(centre - support + 0.5))
  const end = min(source, trunc(centre + support + 0.5))
  const shares = Array.from({ length: end - first }, (_, k) => max(0, 1 - abs((first + k - centre + 0.5) / support)))
  const sum = shares.reduce((a, b) => a + b, 0)
  return { first, weights: Float32Array.from(shares, (share) => fround(share) / sum) }
}
