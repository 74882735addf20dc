import { bestOf, ratio, summarize } from './statistics.mjs'

/** @typedef {import('../types.d.mts').Row} Row */
/** @typedef {Pick<Row, 'name' | 'model' | 'params' | 'unit' | 'better'>} Required */
/** @typedef {Required & Partial<Pick<Row, 'extra' | 'how' | 'leftOut' | 'same' | 'note'>>} About */

/**
 * A row of the result: each one's values summed up, and how torchgraft stands to the others.
 *
 * @param {About} about
 * @param {Readonly<Record<string, readonly number[]>>} values by name, `torchgraft` among them
 * @returns {Row}
 */
export function makeRow({ name, model, params, unit, better, ...more }, { torchgraft: own, ...others }) {
  if (!own) throw new RangeError(`${name}: Expected values of torchgraft`)
  const torchgraft = summarize(own)
  const peers = Object.fromEntries(Object.entries(others).map(([peer, values]) => [peer, summarize(values)]))
  const best = bestOf(peers, better)
  const compare = (/** @type {string | null} */ peer) => (peer !== null && peers[peer] ? ratio(torchgraft, peers[peer], better) : null)
  const filled = Object.fromEntries(Object.entries(more).filter(([, value]) => isFilled(value)))
  const ratios = { ratioToBest: compare(best), ratioToNotebook: compare('notebook') }
  return { name, model, params, unit, better, torchgraft, peers, best, ...ratios, ...filled }
}

/** @param {unknown} value */
function isFilled(value) {
  if (value === true || typeof value === 'string') return true
  return value !== undefined && Object.keys(/** @type {object} */ (value)).length !== 0
}
