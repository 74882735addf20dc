const LENGTH = 624
const SHIFT = 397

/** A generator of integers, uniform from 0 to 2³² − 1. */
export type Uint32Generator = () => number

/**
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded with one number of 32 bits as its authors' `init_genrand`
 * does: the generator behind numpy's legacy `np.random` and PyTorch's CPU generator, which draw the same numbers from
 * the same seed.
 */
export function mt19937(seed: number): Uint32Generator {
  const state = new Uint32Array(LENGTH)
  state[0] = seed
  for (let i = 1; i < LENGTH; i++) {
    const before = at(state, i - 1)
    state[i] = Math.imul(before ^ (before >>> 30), 1_812_433_253) + i
  }
  let next = LENGTH
  return () => {
    if (next === LENGTH) {
      twist(state)
      next = 0
    }
    return temper(at(state, next++))
  }
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < LENGTH; i++) {
    const mixed = (at(state, i) & 0x8000_0000) | (at(state, (i + 1) % LENGTH) & 0x7fff_ffff)
    state[i] = at(state, (i + SHIFT) % LENGTH) ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908_b0df : 0)
  }
}

function temper(value: number): number {
  let y = value
  y ^= y >>> 11
  y ^= (y << 7) & 0x9d2c_5680
  y ^= (y << 15) & 0xefc6_0000
  return (y ^ (y >>> 18)) >>> 0
}

function at(state: Uint32Array, i: number): number {
  return state[i] as number
}
