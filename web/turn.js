// Turns a picture as its camera was turned, and back: for models that learned from pictures as they lie in their files, since a browser
// turns them by itself.

/** @typedef {import('./resample.js').Pixels} Pixels */

const CHANNELS = 3
/** The orientation that undoes each; the first is none. */
const INVERSE = [1, 1, 2, 3, 4, 5, 8, 7, 6]

/**
 * @param {Pixels} pixels turned by EXIF's orientation
 * @param {number} orientation 1 to 8
 * @returns {Pixels} as the file has them
 */
export function turnedBack(pixels, orientation) {
  return turned(pixels, INVERSE[orientation] ?? 1)
}

/**
 * @param {Pixels} pixels as the file has them
 * @param {number} orientation EXIF's, 1 to 8
 * @returns {Pixels} upright
 */
export function turned(pixels, orientation) {
  if (orientation === 1) return pixels
  const swapped = orientation >= 5
  const [width, height] = swapped ? [pixels.height, pixels.width] : [pixels.width, pixels.height]
  const fromRight = [2, 3, 7, 8].includes(orientation)
  const fromBottom = [3, 4, 6, 7].includes(orientation)
  const { data: source } = pixels
  const [alongX, alongY] = [fromRight ? -CHANNELS : CHANNELS, (fromBottom ? -CHANNELS : CHANNELS) * pixels.width]
  const [next, nextRow] = swapped ? [alongY, alongX] : [alongX, alongY]
  const corner = ((fromBottom ? pixels.height - 1 : 0) * pixels.width + (fromRight ? pixels.width - 1 : 0)) * CHANNELS
  const data = new Uint8Array(width * height * CHANNELS)
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, from = corner + y * nextRow; x < width; x++, from += next) {
      data[to++] = source[from] ?? 0
      data[to++] = source[from + 1] ?? 0
      data[to++] = source[from + 2] ?? 0
    }
  }
  return { data, width, height }
}
