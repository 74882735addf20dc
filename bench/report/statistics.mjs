/** @typedef {import('../types.d.mts').Stats} Stats */
/** @typedef {import('../types.d.mts').Better} Better */

/** @param {readonly number[]} values at least one @returns {Stats} */
export function summarize(values) {
  if (values.length === 0) throw new RangeError('Expected at least one value')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = /** @type {number} */ (sorted[middle])
  const median = sorted.length % 2 === 1 ? upper : (/** @type {number} */ (sorted[middle - 1]) + upper) / 2
  return { median, min: /** @type {number} */ (sorted[0]), max: /** @type {number} */ (sorted.at(-1)), repeats: sorted.length }
}

/**
 * How many times better one is than another: above 1, it is better, whichever way the measure goes. Null where a zero
 * leaves nothing to tell.
 *
 * @param {Stats} one @param {Stats} other @param {Better} better
 */
export function ratio(one, other, better) {
  const [above, below] = better === 'higher' ? [one.median, other.median] : [other.median, one.median]
  return below > 0 && above > 0 ? above / below : null
}

/**
 * The name of the best, by the median; null where there is none.
 *
 * @param {Readonly<Record<string, Stats>>} stats
 * @param {Better} better
 * @returns {string | null}
 */
export function bestOf(stats, better) {
  const sign = better === 'higher' ? -1 : 1
  return Object.entries(stats).sort(([, a], [, b]) => sign * (a.median - b.median))[0]?.[0] ?? null
}
