const SCAN = Buffer.of(0xff, 0xda)
/** A progressive image of thousands of scans takes minutes. */
const MAX_SCANS = 500
/** What decoders look at, of a block's 64 coefficients, when they smooth an image whose last scans are missing: each version otherwise. */
const SMOOTHED_BY = 10

/**
 * Whether every decoder makes the same of a JPEG's scans, of which the first begins at `from`: there are not too many, and where each
 * brings some bits of some coefficients (progressive), none of those is missing that would then be guessed.
 */
export function areScansWhole(bytes: Uint8Array, from: number, isProgressive: boolean): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  /** By component, for each coefficient: how many of its last bits are missing. */
  const missing = new Map<number, Uint8Array>()
  let scans = 0
  for (let at = from; at >= 0; at = file.indexOf(SCAN, at + 2)) {
    if (++scans > MAX_SCANS) return false
    const components = file[at + 4] ?? 0
    const last = at + 5 + components * 2
    const [first = 0, end = 0, shift = 0] = file.subarray(last, last + 3)
    for (let i = 0; i < components; i++) {
      const id = file[at + 5 + i * 2] ?? 0
      if (!missing.has(id)) missing.set(id, new Uint8Array(64).fill(16))
      missing.get(id)?.fill(shift & 15, first, end + 1)
    }
  }
  return !isProgressive || [...missing.values()].every((bits) => bits.subarray(0, SMOOTHED_BY).every((count) => count === 0))
}
