// Turns an image as its camera noted that it was held.

/** @typedef {import('./resample.js').Pixels} Pixels */

const CHANNELS = 3

/**
 * @param {Pixels} pixels as the file has them
 * @param {number} orientation EXIF's, 1 to 8
 * @returns {Pixels} upright
 */
export function turned(pixels, orientation) {
  if (orientation === 1) return pixels
  const aside = orientation >= 5
  const [width, height] = aside ? [pixels.height, pixels.width] : [pixels.width, pixels.height]
  const mirrorX = [2, 3, 7, 8].includes(orientation)
  const mirrorY = [3, 4, 6, 7].includes(orientation)
  const data = new Uint8Array(width * height * CHANNELS)
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += CHANNELS) {
      const [across, down] = aside ? [y, x] : [x, y]
      const column = mirrorX ? pixels.width - 1 - across : across
      const row = mirrorY ? pixels.height - 1 - down : down
      const from = (row * pixels.width + column) * CHANNELS
      for (let channel = 0; channel < CHANNELS; channel++) data[to + channel] = pixels.data[from + channel] ?? 0
    }
  }
  return { data, width, height }
}
