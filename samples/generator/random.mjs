// Chance that only its keys decide: every image is the same whenever and wherever it is made.

/** @param {readonly number[]} keys */
export function hash(...keys) {
  let h = 0x9e3779b9
  for (const key of keys) {
    h = Math.imul(h ^ (key | 0), 0x85ebca6b)
    h ^= h >>> 13
    h = Math.imul(h, 0xc2b2ae35)
    h ^= h >>> 16
  }
  return (h >>> 0) / 2 ** 32
}

/** A generator of numbers in [0, 1), with the draws that scenes are made of. @param {readonly number[]} keys */
export function makeRandom(...keys) {
  let count = 0
  const next = () => hash(...keys, ++count)
  return {
    next,
    between: (/** @type {number} */ low, /** @type {number} */ high) => low + (high - low) * next(),
    chance: (/** @type {number} */ share) => next() < share,
    /** @template T @param {readonly T[]} items @returns {T} */
    pick: (items) => /** @type {T} */ (items[Math.floor(next() * items.length)]),
  }
}

/** @typedef {ReturnType<typeof makeRandom>} Random */

/** Smooth noise of the plane, 0–1. @param {number} x @param {number} y */
export function noise(x, y, seed = 0) {
  const ix = Math.floor(x)
  const iy = Math.floor(y)
  const fx = x - ix
  const fy = y - iy
  const u = fx * fx * (3 - 2 * fx)
  const v = fy * fy * (3 - 2 * fy)
  const top = hash(ix, iy, seed) * (1 - u) + hash(ix + 1, iy, seed) * u
  const bottom = hash(ix, iy + 1, seed) * (1 - u) + hash(ix + 1, iy + 1, seed) * u
  return top * (1 - v) + bottom * v
}

/** Noise with detail: three octaves. @param {number} x @param {number} y */
export function cloudy(x, y, seed = 0) {
  return (noise(x, y, seed) * 4 + noise(x * 2.1, y * 2.1, seed + 1) * 2 + noise(x * 4.3, y * 4.3, seed + 2)) / 7
}
