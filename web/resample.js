// Brings a decoded picture to a model's size as torchgraft's own decoder does it. What a canvas does instead looks as good, and gives
// other probabilities. Plain JavaScript, for pages, workers and Node.
import { area, FIXED, linear, nearest } from './filters.js'
import { resizeJpeg } from './jpeg.js'
import { middle, resized } from './sizes.js'

/** @typedef {import('./filters.js').Filter} Filter */
/** @typedef {{ readonly data: Uint8Array, readonly width: number, readonly height: number }} Pixels uint8, height × width × 3, RGB */
/** @typedef {import('./sizes.js').Size} Size */
/** @typedef {{ readonly shorterSide: number | null, readonly crop: number | null, readonly antialias: boolean, readonly pad: 'square' | null, readonly enlarge?: boolean }} Rule torchgraft's ResizeRule, as far as it is about sizes */
/** @typedef {{ readonly format: 'jpeg' | 'webp' | 'other', readonly orientation: number }} Origin of the pixels: their file's format, and EXIF's number for how they were turned since, 1 where they were not */

const CHANNELS = 3

/** Taken once: these are asked for each number of a picture. */
const { floor, round } = Math

/**
 * The resize and crop of a rule.
 *
 * @param {Pixels} pixels oriented, of the whole picture
 * @param {Rule} rule
 * @param {Origin} [origin]
 * @returns {Pixels}
 */
export function resizeByRule(pixels, { shorterSide, crop, antialias, enlarge = true }, origin = { format: 'other', orientation: 1 }) {
  const target = resized(pixels, shorterSide, enlarge)
  if (target.width === pixels.width && target.height === pixels.height) return centreCrop(pixels, crop)
  return centreCrop(resize(pixels, target, antialias, origin), crop)
}

/** @param {Pixels} pixels @param {Size} target @param {boolean} antialias @param {Origin} origin @returns {Pixels} */
function resize(pixels, target, antialias, origin) {
  if (!antialias) return along(along(pixels, 'height', nearest(pixels.height, target.height)), 'width', nearest(pixels.width, target.width))
  if (origin.format === 'jpeg') return resizeJpeg(pixels, target, origin.orientation)
  if (target.width > pixels.width || target.height > pixels.height) return enlargeTo(pixels, target)
  let result = pixels
  if (origin.format === 'webp') {
    const shrink = Math.min(pixels.width / target.width, pixels.height / target.height)
    result = along(along(pixels, 'height', area(pixels.height, round(pixels.height / shrink))), 'width', area(pixels.width, round(pixels.width / shrink)))
  }
  for (const axis of /** @type {const} */ (['height', 'width'])) for (const filter of linear(result[axis], target[axis])) result = along(result, axis, filter)
  return result
}

/** One axis through a filter. @param {Pixels} pixels @param {'width' | 'height'} axis @param {Filter} filter @returns {Pixels} */
function along({ data, width, height }, axis, { taps, divisor, half }) {
  const size = { width, height, [axis]: taps.length }
  const [length, step, lanes, laneStep] = axis === 'width' ? [width, CHANNELS, height, width * CHANNELS] : [height, width * CHANNELS, width, CHANNELS]
  const [outStep, outLaneStep] = axis === 'width' ? [CHANNELS, size.width * CHANNELS] : [size.width * CHANNELS, CHANNELS]
  const out = new Uint8ClampedArray(size.width * size.height * CHANNELS)
  for (const [i, { first, weights }] of taps.entries()) {
    const offsets = Int32Array.from(weights, (_, j) => Math.min(Math.max(first + j, 0), length - 1) * step)
    const factors = Float64Array.from(weights)
    for (let lane = 0; lane < lanes; lane++) {
      const from = lane * laneStep
      const to = i * outStep + lane * outLaneStep
      for (let channel = 0; channel < CHANNELS; channel++) {
        let sum = half
        for (let j = 0; j < factors.length; j++) sum += (factors[j] ?? 0) * (data[from + (offsets[j] ?? 0) + channel] ?? 0)
        out[to + channel] = floor(sum / divisor)
      }
    }
  }
  return { data: new Uint8Array(out.buffer), width: size.width, height: size.height }
}

/** Bilinear, in libvips' fixed point. @param {Pixels} pixels @param {Size} target @returns {Pixels} */
function enlargeTo({ data, width, height }, target) {
  const columns = neighbours(width, target.width)
  const out = new Uint8Array(target.width * target.height * CHANNELS)
  let to = 0
  for (const { low: top, high: bottom, part: y } of neighbours(height, target.height)) {
    for (const { low: left, high: right, part: x } of columns) {
      const both = (x * y) >> 12
      const [a, b, c, d] = [top * width + left, top * width + right, bottom * width + left, bottom * width + right].map((place) => place * CHANNELS)
      for (let channel = 0; channel < CHANNELS; channel++) {
        const at = (/** @type {number | undefined} */ place) => data[(place ?? 0) + channel] ?? 0
        out[to++] = ((FIXED - x - y + both) * at(a) + (x - both) * at(b) + (y - both) * at(c) + both * at(d) + FIXED / 2) >> 12
      }
    }
  }
  return { data: out, ...target }
}

/** The two pixels that each place lies between. libvips takes the corner of an enlarged pixel for its middle. @param {number} from @param {number} to */
function neighbours(from, to) {
  const within = (/** @type {number} */ at) => Math.min(Math.max(at, 0), from - 1)
  return Array.from({ length: to }, (_, i) => {
    const place = (i * from) / to - 0.5
    const first = floor(place)
    return { low: within(first), high: within(first + 1), part: floor((place - first) * FIXED) }
  })
}

/** @param {Pixels} pixels @param {number | null} crop @returns {Pixels} */
function centreCrop({ data, width, height }, crop) {
  if (crop === null || (width === crop && height === crop)) return { data, width, height }
  if (width < crop || height < crop) throw new Error(`at ${width}×${height} pixels it is smaller than the crop of ${crop}`)
  const { left, top } = middle({ width, height }, crop)
  const out = new Uint8Array(crop * crop * CHANNELS)
  for (let row = 0; row < crop; row++) {
    const from = ((top + row) * width + left) * CHANNELS
    out.set(data.subarray(from, from + crop * CHANNELS), row * crop * CHANNELS)
  }
  return { data: out, width: crop, height: crop }
}
