// The sizes that an image goes through, for the page and for Node: what its decoder gives, what that is scaled to, what is kept of it.

/** @typedef {{ readonly width: number, readonly height: number }} Size */
/** @typedef {Size & { readonly data: Uint8Array }} Pixels uint8, height × width × 3, RGB */
/** @typedef {Size & { readonly left: number, readonly top: number }} Window */

const { floor, min, round } = Math

/**
 * The size that torchvision's `Resize(shorterSide)` gives: the longer side is rounded down.
 *
 * @param {Size} size
 * @param {number | null} shorterSide null leaves the size
 * @param {boolean} [enlarge] whether an image smaller than that is enlarged
 * @returns {Size}
 */
export function resizedSize({ width, height }, shorterSide, enlarge = true) {
  const shorter = min(width, height)
  if (shorterSide === null || (!enlarge && shorter <= shorterSide)) return { width, height }
  const longer = (/** @type {number} */ side) => floor((shorterSide * side) / shorter)
  return width <= height ? { width: shorterSide, height: longer(height) } : { width: longer(width), height: shorterSide }
}

/** What torchvision's `CenterCrop` keeps. @param {Size} size @param {number} crop @returns {Window} */
export function centreWindow({ width, height }, crop) {
  return { left: halfToEven((width - crop) / 2), top: halfToEven((height - crop) / 2), width: crop, height: crop }
}

/**
 * What a JPEG is made smaller by as it is decoded, as sharp chooses it: a good part of the way is left for the resize.
 *
 * @param {Size} size of the file
 * @param {Size} target lying as the file does
 * @returns {1 | 2 | 4 | 8}
 */
export function shrinkOnLoad(size, target) {
  const shrink = min(size.width / target.width, size.height / target.height)
  if (shrink >= 9) return 8
  if (shrink >= 5) return 4
  return shrink >= 3 ? 2 : 1
}

/** Python's `round`, and C's `rint`. @param {number} value */
export function halfToEven(value) {
  const rounded = round(value)
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}
