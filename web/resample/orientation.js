// EXIF's orientation, 1 to 8: how a camera was held, and so how its pixels are turned and mirrored to be upright. 1 leaves them;
// from 5 on width and height change places.

/** @typedef {import('./sizes.js').Pixels} Pixels */
/** @typedef {import('./sizes.js').Size} Size */
/** @typedef {import('./sizes.js').Window} Window */

const CHANNELS = 3
/** The orientation that undoes each, from 1. */
const INVERSE = [1, 1, 2, 3, 4, 5, 8, 7, 6]

/**
 * Turns pixels as they are stored in a file upright.
 *
 * @param {Pixels} pixels
 * @param {number} orientation
 * @returns {Pixels}
 */
export function turned(pixels, orientation) {
  if (orientation === 1) return pixels
  const { width, height } = uprightSize(pixels, orientation)
  const data = new Uint8Array(width * height * CHANNELS)
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += CHANNELS) {
      const [across, down] = isTransposed(orientation) ? [y, x] : [x, y]
      const column = isMirrored(orientation) ? pixels.width - 1 - across : across
      const row = isUpsideDown(orientation) ? pixels.height - 1 - down : down
      const from = (row * pixels.width + column) * CHANNELS
      for (let channel = 0; channel < CHANNELS; channel++) data[to + channel] = pixels.data[from + channel] ?? 0
    }
  }
  return { data, width, height }
}

/** Lays upright pixels as the file has them. @param {Pixels} pixels @param {number} orientation the file's @returns {Pixels} */
export function turnedBack(pixels, orientation) {
  return turned(pixels, INVERSE[orientation] ?? 1)
}

/** The upright size of a stored one, and the other way round. @param {Size} size @param {number} orientation @returns {Size} */
export function uprightSize({ width, height }, orientation) {
  return isTransposed(orientation) ? { width: height, height: width } : { width, height }
}

/**
 * Where in the image as it is stored a window of the upright one lies.
 *
 * @param {Window} window
 * @param {Size} size of the upright image
 * @param {number} orientation
 * @returns {Window}
 */
export function storedWindow({ left, top, width, height }, size, orientation) {
  const right = size.width - left - width
  const bottom = size.height - top - height
  const [mirrored, upsideDown] = [isMirrored(orientation), isUpsideDown(orientation)]
  if (!isTransposed(orientation)) return { left: mirrored ? right : left, top: upsideDown ? bottom : top, width, height }
  return { left: mirrored ? bottom : top, top: upsideDown ? right : left, width: height, height: width }
}

/** @param {number} orientation */
function isTransposed(orientation) {
  return orientation >= 5
}

/** Left and right of the stored image are exchanged. @param {number} orientation */
function isMirrored(orientation) {
  return [2, 3, 7, 8].includes(orientation)
}

/** Top and bottom of the stored image are exchanged. @param {number} orientation */
function isUpsideDown(orientation) {
  return [3, 4, 6, 7].includes(orientation)
}
