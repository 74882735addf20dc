// How libvips weighs pixels where it makes an image smaller: in fixed point, with its roundings, so that the same bytes come out.
import { halfToEven } from './sizes.js'

/**
 * Where along an axis a pixel comes from; beyond the edge is the edge.
 *
 * @typedef {{ readonly first: number, readonly weights: ArrayLike<number> }} Tap
 */
/**
 * Of one axis: floor((Σ weight × pixel + half) / divisor).
 *
 * @typedef {{ readonly taps: readonly Tap[], readonly divisor: number, readonly half: number }} Filter
 */

export const FIXED = 4096
const BOX_FIXED = 2 ** 24
/** Steps of a pixel that places are rounded to. */
const STEPS = 64
/** What the box leaves to the triangle, at least. */
const GAP = 2

/** From so many pixels to fewer: a box over whole pixels, then a triangle. @param {number} from @param {number} to @returns {Filter[]} */
export function linear(from, to) {
  if (to === from) return []
  const whole = Math.max(1, Math.floor(from / to / GAP))
  const box = whole === 1 ? [] : [boxOf(whole, Math.ceil(from / whole))]
  return [...box, triangle(to, from / to / whole)]
}

/** The mean of so many pixels, by a product that rounds a little low. @param {number} whole @param {number} to @returns {Filter} */
function boxOf(whole, to) {
  const weight = Math.floor(BOX_FIXED / whole)
  const taps = Array.from({ length: to }, (_, i) => ({ first: i * whole, weights: new Array(whole).fill(weight) }))
  return { taps, divisor: BOX_FIXED, half: (whole >> 1) * weight }
}

/**
 * Weights are cut off, not rounded: what they lack of 1 makes an image darker by a part of a level.
 *
 * @param {number} to @param {number} factor
 * @returns {Filter}
 */
function triangle(to, factor) {
  const points = 2 * halfToEven(factor) + 1
  const before = Math.ceil(points / 2) - 1
  const taps = Array.from({ length: to }, (_, i) => {
    const place = (i + 0.5) * factor
    const step = Math.floor(place * STEPS * 2) & (STEPS * 2 - 1)
    const centre = ((step + 1) >> 1) / STEPS + points / 2 - 1
    const values = Array.from({ length: points }, (_, j) => Math.max(0, 1 - Math.abs((j - centre) / factor)))
    const sum = values.reduce((a, b) => a + b, 0)
    return { first: Math.floor(place) - before, weights: values.map((value) => Math.trunc((value / sum) * FIXED)) }
  })
  return { taps, divisor: FIXED, half: FIXED / 2 }
}

/** The mean of the area that a pixel covers, as WebP's decoder scales. @param {number} from @param {number} to @returns {Filter} */
export function area(from, to) {
  const factor = from / to
  const taps = Array.from({ length: to }, (_, i) => {
    const [begin, end] = [i * factor, (i + 1) * factor]
    const first = Math.floor(begin)
    const length = Math.min(Math.ceil(end), from) - first
    const weights = Array.from({ length }, (_, j) => Math.min(end, first + j + 1) - Math.max(begin, first + j))
    return { first, weights }
  })
  return { taps, divisor: factor, half: factor / 2 }
}

/** @param {number} from @param {number} to @returns {Filter} */
export function nearest(from, to) {
  return { taps: Array.from({ length: to }, (_, i) => ({ first: Math.floor(((i + 0.5) * from) / to), weights: [1] })), divisor: 1, half: 0 }
}
