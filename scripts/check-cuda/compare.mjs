// What is compared with what, and how far apart it may lie.

/** @typedef {{ readonly share: number, readonly at: number }} Furthest share: of the first loss; at: from 0 */

/**
 * How far losses lie apart at most, as a share of the first expected one. They fall to near zero, where a share of each by
 * itself would tell of nothing but noise. What is missing or not a number is
 * infinitely far.
 *
 * @param {readonly number[]} losses @param {readonly number[]} expected
 * @returns {Furthest}
 */
export function furthest(losses, expected) {
  const first = expected[0] ?? NaN
  let found = { share: 0, at: 0 }
  if (losses.length !== expected.length || losses.length === 0) return { share: Infinity, at: Math.min(losses.length, expected.length) }
  for (const [at, loss] of losses.entries()) {
    const share = Math.abs(loss - /** @type {number} */ (expected[at])) / first
    if (!(share <= found.share)) found = { share: Number.isNaN(share) ? Infinity : share, at }
    if (found.share === Infinity) break
  }
  return found
}

/**
 * The share of right ones that guessing passes once in 30,000 times: four standard deviations above chance.
 *
 * @param {number} classes @param {number} images
 */
export function aboveChance(classes, images) {
  const chance = 1 / classes
  return chance + 4 * Math.sqrt((chance * (1 - chance)) / images)
}

/** @param {number} share */
export function percent(share) {
  return Number.isFinite(share) ? `${(100 * share).toFixed(share < 0.01 ? 2 : 1)} %` : 'without end'
}

/**
 * Losses side by side, some in a line, for when they lie too far apart.
 *
 * @param {readonly number[]} losses @param {readonly number[]} expected
 */
export function sideBySide(losses, expected) {
  return Array.from({ length: Math.max(losses.length, expected.length) }, (_, i) => {
    const [one, other] = [losses[i], expected[i]].map((loss) => (loss === undefined ? '–' : loss.toFixed(4)).padStart(9))
    return `${String(i + 1).padStart(4)} ${one} ${other}`
  }).join('\n')
}
