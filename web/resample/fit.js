// What a batch does with a decoded image: all of it in a black square, where the rule asks for that, and scaled to the model's size.

/** @typedef {import('./resample.js').Pixels} Pixels */
/** @typedef {Pick<import('./resample.js').Rule, 'crop' | 'pad'>} Rule */

const CHANNELS = 3

/**
 * A decoded image as the model takes it, size × size × 3: bytes where it was cropped to that size, and else floats from 0 to 255,
 * since what lies between two levels counts there.
 *
 * @param {Pixels} pixels decoded by the rule
 * @param {Rule} rule
 * @param {number} size
 * @returns {Uint8Array | Float32Array}
 */
export function atModelSize(pixels, { crop, pad }, size) {
  return crop === null ? squash(pad === null ? pixels : padded(pixels), size) : pixels.data
}

/** Half of what a square takes on each side, rounded down. @param {Pixels} pixels @returns {Pixels} */
function padded({ data, width, height }) {
  const left = Math.max(0, Math.floor((height - width) / 2))
  const top = Math.max(0, Math.floor((width - height) / 2))
  const size = { width: width + 2 * left, height: height + 2 * top }
  const out = new Uint8Array(size.width * size.height * CHANNELS)
  for (let row = 0; row < height; row++) {
    out.set(data.subarray(row * width * CHANNELS, (row + 1) * width * CHANNELS), ((top + row) * size.width + left) * CHANNELS)
  }
  return { data: out, ...size }
}

/** Bilinear, without antialiasing, without regard to the image's shape. @param {Pixels} pixels @param {number} size */
function squash({ data, width, height }, size) {
  const columns = places(width, size)
  const out = new Float32Array(size * size * CHANNELS)
  let to = 0
  for (const row of places(height, size)) {
    for (const column of columns) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        const at = (/** @type {number} */ y, /** @type {number} */ x) => data[(y * width + x) * CHANNELS + channel] ?? 0
        const top = at(row.low, column.low) + (at(row.low, column.high) - at(row.low, column.low)) * column.part
        const bottom = at(row.high, column.low) + (at(row.high, column.high) - at(row.high, column.low)) * column.part
        out[to++] = top + (bottom - top) * row.part
      }
    }
  }
  return out
}

/** @param {number} from @param {number} to */
function places(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
    const low = Math.floor(place)
    return { low, high: Math.min(low + 1, from - 1), part: place - low }
  })
}
