// An image in a black square, half of what is missing on each side, as the notebook's `PadImage` does it: an odd difference is rounded
// down, and leaves the result a pixel short of square.

/** @typedef {import('./sizes.js').Pixels} Pixels */
/** @typedef {import('./sizes.js').Size} Size */

const CHANNELS = 3

/** An image's size with what is put around it. @param {Size} size @returns {Size} */
export function paddedSize({ width, height }) {
  const left = Math.max(0, Math.floor((height - width) / 2))
  const top = Math.max(0, Math.floor((width - height) / 2))
  return { width: width + 2 * left, height: height + 2 * top }
}

/** @param {Pixels} pixels @returns {Pixels} */
export function padded(pixels) {
  const size = paddedSize(pixels)
  const data = new Uint8Array(size.width * size.height * CHANNELS)
  putCentred(pixels, size, data)
  return { data, ...size }
}

/**
 * Copies an image into the middle of a larger one.
 *
 * @param {Pixels} pixels
 * @param {Size} frame by an even number of pixels larger, or of the same size
 * @param {Uint8Array} into uint8, frame.height × frame.width × 3
 */
export function putCentred({ data, width, height }, frame, into) {
  const left = (frame.width - width) / 2
  const top = (frame.height - height) / 2
  if (left === 0) return into.set(data, top * width * CHANNELS)
  const stride = width * CHANNELS
  for (let row = 0; row < height; row++) {
    into.set(data.subarray(row * stride, (row + 1) * stride), ((top + row) * frame.width + left) * CHANNELS)
  }
}
