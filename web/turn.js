// Undoes what a browser does for a camera that was turned, for models that learned from pictures as they lie in their files.

/** @typedef {import('./resample.js').Pixels} Pixels */

const CHANNELS = 3

/**
 * @param {Pixels} pixels turned by EXIF's orientation
 * @param {number} orientation 1 to 8
 * @returns {Pixels} as the file has them
 */
export function turnedBack(pixels, orientation) {
  if (orientation === 1) return pixels
  const turned = orientation >= 5
  const [width, height] = turned ? [pixels.height, pixels.width] : [pixels.width, pixels.height]
  const mirrorX = [2, 3, 7, 8].includes(orientation)
  const mirrorY = [3, 4, 6, 7].includes(orientation)
  const data = new Uint8Array(width * height * CHANNELS)
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += CHANNELS) {
      const column = mirrorX ? width - 1 - x : x
      const row = mirrorY ? height - 1 - y : y
      const from = (turned ? column * pixels.width + row : row * pixels.width + column) * CHANNELS
      for (let channel = 0; channel < CHANNELS; channel++) data[to + channel] = pixels.data[from + channel] ?? 0
    }
  }
  return { data, width, height }
}
