/** Of a standard normal: 95 % lie within ±z. */
const Z = 1.959964

/**
 * The 95 % confidence interval of a share, from `correct` of `count` (Wilson 1927): unlike the normal approximation
 * it holds for small counts and for shares near 0 and 1.
 */
export function wilsonInterval(correct: number, count: number): readonly [low: number, high: number] {
  if (count === 0) return [0, 1]
  const share = correct / count
  const squared = (Z * Z) / count
  const middle = (share + squared / 2) / (1 + squared)
  const half = (Z / (1 + squared)) * Math.sqrt((share * (1 - share)) / count + squared / (4 * count))
  return [correct === 0 ? 0 : middle - half, correct === count ? 1 : middle + half]
}
