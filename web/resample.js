// Brings a decoded picture to a model's size as torchgraft's own decoder does it. What a canvas does instead looks as good, and gives
// other probabilities. Plain JavaScript, for pages, workers and Node.
import { area, FIXED, halfToEven, linear, nearest } from './filters.js'

/** @typedef {import('./filters.js').Filter} Filter */
/** @typedef {{ readonly data: Uint8Array, readonly width: number, readonly height: number }} Pixels uint8, height × width × 3, RGB */
/** @typedef {{ readonly width: number, readonly height: number }} Size */
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
  const target = shorterSide === null ? pixels : targetSize(pixels, shorterSide, enlarge)
  if (target.width === pixels.width && target.height === pixels.height) return centreCrop(pixels, crop)
  // What will be cropped is turned before it is scaled, and then its decoder does not scale it.
  const turnedFirst = origin.orientation !== 1 && crop !== null && (target.width !== crop || target.height !== crop)
  return centreCrop(resize(pixels, target, antialias, turnedFirst ? { format: 'other', orientation: 1 } : origin), crop)
}

/** torchvision's `Resize(shorterSide)`: the longer side is rounded down. @param {Size} size @param {number} shorterSide @param {boolean} enlarge @returns {Size} */
export function targetSize({ width, height }, shorterSide, enlarge) {
  const shorter = Math.min(width, height)
  if (!enlarge && shorter <= shorterSide) return { width, height }
  const longer = (/** @type {number} */ side) => floor((shorterSide * side) / shorter)
  return width <= height ? { width: shorterSide, height: longer(height) } : { width: longer(width), height: shorterSide }
}

/** @param {Pixels} pixels @param {Size} target @param {boolean} antialias @param {Origin} origin @returns {Pixels} */
function resize(pixels, target, antialias, origin) {
  if (!antialias) return along(along(pixels, 'height', nearest(pixels.height, target.height)), 'width', nearest(pixels.width, target.width))
  if (target.width > pixels.width || target.height > pixels.height) return enlargeTo(pixels, target)
  let result = pixels
  if (origin.format === 'jpeg') result = blockMeans(pixels, jpegFactor(pixels, target), origin)
  if (origin.format === 'webp') {
    const shrink = Math.min(pixels.width / target.width, pixels.height / target.height)
    result = along(along(pixels, 'height', area(pixels.height, round(pixels.height / shrink))), 'width', area(pixels.width, round(pixels.width / shrink)))
  }
  const axes = /** @type {('width' | 'height')[]} */ (origin.orientation >= 5 ? ['width', 'height'] : ['height', 'width'])
  for (const axis of axes) for (const filter of linear(result[axis], target[axis])) result = along(result, axis, filter)
  return result
}

/** By how much a JPEG's decoder makes it smaller itself: sharp's choice. @param {Size} size @param {Size} target */
function jpegFactor(size, target) {
  const shrink = Math.min(size.width / target.width, size.height / target.height)
  const factor = [8, 4, 2].find((each) => shrink >= each) ?? 1
  return factor > 1 && floor(shrink) === factor ? factor / 2 : factor
}

/**
 * A mean for each block, which is what the reduced transforms of JPEG decoders give; what is left of the last is dropped. They round
 * light and colour, not red, green and blue.
 *
 * @param {Pixels} pixels
 * @param {number} factor
 * @param {Origin} origin
 * @returns {Pixels}
 */
function blockMeans(pixels, factor, { orientation }) {
  if (factor === 1) return pixels
  const { data } = pixels
  const [width, height] = [floor(pixels.width / factor), floor(pixels.height / factor)]
  const stride = pixels.width * CHANNELS
  // Blocks begin at the file's own top left, wherever that is now.
  const top = [3, 4, 7, 8].includes(orientation) ? pixels.height % factor : 0
  const left = [2, 3, 6, 7].includes(orientation) ? pixels.width % factor : 0
  const out = new Uint8ClampedArray(width * height * CHANNELS)
  const sums = new Uint32Array(width * CHANNELS)
  const area = factor * factor
  // The mean of a block of 8 × 8 is one coefficient, often half way between two levels, and is then rounded up.
  const tie = factor === 8 ? 1 / 6 : 0
  for (let y = 0; y < height; y++) {
    sums.fill(0)
    for (let row = 0; row < factor; row++) {
      let from = (top + y * factor + row) * stride + left * CHANNELS
      for (let x = 0; x < sums.length; x += CHANNELS) {
        for (let i = 0; i < factor; i++, from += CHANNELS) {
          for (let channel = 0; channel < CHANNELS; channel++) sums[x + channel] = (sums[x + channel] ?? 0) + (data[from + channel] ?? 0)
        }
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
  const [left, top] = [halfToEven((width - crop) / 2), halfToEven((height - crop) / 2)]
  const out = new Uint8Array(crop * crop * CHANNELS)
  for (let row = 0; row < crop; row++) {
    const from = ((top + row) * width + left) * CHANNELS
    out.set(data.subarray(from, from + crop * CHANNELS), row * crop * CHANNELS)
  }
  return { data: out, width: crop, height: crop }
}
