// Brings a decoded image to a model's size as torchgraft's own decoder does it. What a canvas does instead looks as good, and gives
// other probabilities. Plain JavaScript, for pages, workers and Node.
import { area, FIXED, linear, nearest } from './filters.js'
import { resizeJpeg } from './jpeg.js'
import { centreWindow, resizedSize } from './sizes.js'

/** @typedef {import('./filters.js').Filter} Filter */
/** @typedef {import('./sizes.js').Pixels} Pixels */
/** @typedef {import('./sizes.js').Size} Size */
/**
 * torchgraft's ResizeRule, as far as it is about sizes.
 *
 * @typedef {object} Rule
 * @property {number | null} shorterSide
 * @property {number | null} crop
 * @property {boolean} antialias
 * @property {'square' | null} pad
 * @property {boolean} [enlarge]
 */
/**
 * Where pixels come from.
 *
 * @typedef {object} Origin
 * @property {'jpeg' | 'webp' | 'other'} format of their file
 * @property {number} orientation EXIF's, by which they were turned since; 1 where they were not
 */

const CHANNELS = 3
/** What libvips puts around an image that it enlarges. */
const BORDER = 1

/** Taken once: these are asked for each number of an image. */
const { floor, round } = Math

/**
 * The resize and crop of a rule.
 *
 * @param {Pixels} pixels oriented, of the whole image
 * @param {Rule} rule
 * @param {Origin} [origin]
 * @returns {Pixels}
 */
export function resizeByRule(pixels, { shorterSide, crop, antialias, enlarge = true }, origin = { format: 'other', orientation: 1 }) {
  const target = resizedSize(pixels, shorterSide, enlarge)
  if (target.width === pixels.width && target.height === pixels.height) return centreCrop(pixels, crop)
  return centreCrop(resize(pixels, target, { antialias, crop }, origin), crop)
}

/** @param {Pixels} pixels @param {Size} target @param {Pick<Rule, 'antialias' | 'crop'>} rule @param {Origin} origin @returns {Pixels} */
function resize(pixels, target, { antialias, crop }, origin) {
  if (!antialias) return along(along(pixels, 'height', nearest(pixels.height, target.height)), 'width', nearest(pixels.width, target.width))
  if (origin.format === 'jpeg') return resizeJpeg(pixels, target, origin.orientation)
  if (target.width > pixels.width || target.height > pixels.height) {
    return enlargeTo(pixels, target, crop === null ? 0 : centreWindow(target, crop).left)
  }
  let result = pixels
  if (origin.format === 'webp') {
    const shrink = Math.min(pixels.width / target.width, pixels.height / target.height)
    const shrunk = along(pixels, 'height', area(pixels.height, round(pixels.height / shrink)))
    result = along(shrunk, 'width', area(pixels.width, round(pixels.width / shrink)))
  }
  for (const axis of /** @type {const} */ (['height', 'width'])) {
    for (const filter of linear(result[axis], target[axis])) result = along(result, axis, filter)
  }
  return result
}

/** One axis through a filter. @param {Pixels} pixels @param {'width' | 'height'} axis @param {Filter} filter @returns {Pixels} */
function along({ data, width, height }, axis, { taps, divisor, half }) {
  const size = { width, height, [axis]: taps.length }
  const [length, step, lanes, laneStep] = axis === 'width'
    ? [width, CHANNELS, height, width * CHANNELS]
    : [height, width * CHANNELS, width, CHANNELS]
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

/**
 * Bilinear, in libvips' fixed point.
 *
 * @param {Pixels} pixels @param {Size} target @param {number} begin the first column that is kept
 * @returns {Pixels}
 */
function enlargeTo({ data, width, height }, target, begin) {
  // As libvips inverts a matrix of both: its last bit decides which pixels a place lies between.
  const [across, down] = [1 / (width / target.width), 1 / (height / target.height)]
  const one = 1 / (across * down)
  const [stepX, stepY] = [one * down, one * across]
  let place = 0
  const columns = Array.from({ length: target.width }, (_, i) => {
    if (i <= begin) place = stepX * i + (BORDER - 0.5) // from there on they are summed, with what that rounds
    const here = neighbours(place, width)
    place += stepX
    return here
  })
  const out = new Uint8Array(target.width * target.height * CHANNELS)
  let to = 0
  for (let row = 0; row < target.height; row++) {
    const { low: top, high: bottom, part: y } = neighbours(stepY * row + (BORDER - 0.5), height)
    for (const { low: left, high: right, part: x } of columns) {
      const [upperRight, lowerRight] = [((FIXED - y) * x) >> 12, (y * x) >> 12]
      const [upperLeft, lowerLeft] = [FIXED - y - upperRight, y - lowerRight]
      const [a, b] = [(top * width + left) * CHANNELS, (top * width + right) * CHANNELS]
      const [c, d] = [(bottom * width + left) * CHANNELS, (bottom * width + right) * CHANNELS]
      for (let channel = 0; channel < CHANNELS; channel++) {
        const at = (/** @type {number} */ first) => data[first + channel] ?? 0
        out[to++] = (upperLeft * at(a) + upperRight * at(b) + lowerLeft * at(c) + lowerRight * at(d) + FIXED / 2) >> 12
      }
    }
  }
  return { data: out, ...target }
}

/**
 * The two pixels that a place lies between. libvips takes the corner of an enlarged pixel for its middle.
 *
 * @param {number} place @param {number} from
 */
function neighbours(place, from) {
  const within = (/** @type {number} */ at) => Math.min(Math.max(at, 0), from - 1)
  const first = floor(place)
  return { low: within(first - BORDER), high: within(first - BORDER + 1), part: floor((place - first) * FIXED) }
}

/** @param {Pixels} pixels @param {number | null} crop @returns {Pixels} */
function centreCrop({ data, width, height }, crop) {
  if (crop === null || (width === crop && height === crop)) return { data, width, height }
  if (width < crop || height < crop) throw new Error(`at ${width}×${height} pixels it is smaller than the crop of ${crop}`)
  const { left, top } = centreWindow({ width, height }, crop)
  const out = new Uint8Array(crop * crop * CHANNELS)
  for (let row = 0; row < crop; row++) {
    const from = ((top + row) * width + left) * CHANNELS
    out.set(data.subarray(from, from + crop * CHANNELS), row * crop * CHANNELS)
  }
  return { data: out, width: crop, height: crop }
}
