import { mt19937 } from './mt19937.js'

/** `np.random.seed(seed); np.random.shuffle(indices)` of 0 … count − 1, in numpy's legacy generator. */
export function numpyShuffled(count: number, seed: number): number[] {
  const bits = mt19937(seed)
  const indices = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = upTo(i, bits)
    const item = indices[i] as number
    indices[i] = indices[j] as number
    indices[j] = item
  }
  return indices
}

/** Uniform from 0 to `max`, by rejection: as many low bits as `max` has, drawn again while they exceed it. */
function upTo(max: number, bits: () => number): number {
  const mask = 2 ** (32 - Math.clz32(max)) - 1
  for (;;) {
    const drawn = (bits() & mask) >>> 0
    if (drawn <= max) return drawn
  }
}
