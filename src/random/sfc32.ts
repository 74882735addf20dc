/** A generator of numbers, uniform in [0, 1). */
export type Random = () => number

/**
 * A keyed generator: sfc32 (Doty-Humphrey's small fast counter), seeded by a hash of the keys, which alone decide its numbers.
 *
 * With one for each image, keyed by seed, epoch and index, images are augmented alike in whatever order they are decoded.
 */
export function random(...keys: readonly number[]): Random {
  let hash = 0x2545f491
  for (const key of keys) {
    hash = mix(hash ^ (key >>> 0))
    hash = mix(hash ^ Math.floor(key / 2 ** 32)) // the high bits of a seed count too
  }
  let a = mix(hash ^ 0x9e3779b9)
  let b = mix(hash ^ 0x243f6a88)
  let c = mix(hash ^ 0xb7e15162)
  let counter = 1
  const next: Random = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 12; i++) next() // warm-up as in PractRand, so that all bits of the seed spread
  return next
}

/** MurmurHash3's finalizer: every bit of the input touches every bit of the output. */
function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}

/** A Fisher–Yates shuffle, in place. */
export function shuffle(items: Uint32Array, next: Random): Uint32Array {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    const item = items[i] as number
    items[i] = items[j] as number
    items[j] = item
  }
  return items
}
