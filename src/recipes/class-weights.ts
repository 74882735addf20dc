/** images / (classes × images of the class), as scikit-learn's `balanced`. A class without images weighs nothing. */
export function balancedWeights(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => (count === 0 ? 0 : total / (counts.length * count)))
}
