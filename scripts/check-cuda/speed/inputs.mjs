import { startTeller } from '../child.mjs'
import { childFailed } from '../part.mjs'
import { rowsOf, sizesOf } from './rows.mjs'

/** @typedef {import('../types.d.mts').SpeedInputs} SpeedInputs */

const CHILD = new URL('inputs-child.mjs', import.meta.url).pathname
const LIMIT = 60

/**
 * What all sides read: images that are ready, for each size of batch, and weights to begin from, for each model. Made in a
 * process of its own, so that an addon that crashes does not end the check.
 *
 * @param {import('../types.d.mts').Context} context @param {import('../../../bench/types.d.mts').Context} bench
 * @returns {Promise<SpeedInputs>}
 */
export async function makeInputs({ root, env, quick }, bench) {
  /** @type {SpeedInputs | undefined} */
  let made
  const rows = rowsOf(quick)
  const task = {
    context: bench,
    ...sizesOf(quick),
    batches: [...new Set(rows.map(({ batch }) => batch))],
    models: [...new Set(rows.map(({ model }) => model))],
  }
  const onMessage = (/** @type {SpeedInputs} */ told) => { made = told }
  const end = await startTeller(process.execPath, [CHILD, JSON.stringify(task)], { cwd: root, env, limit: LIMIT, onMessage }).end
  if (end.code !== 0 || made === undefined) throw childFailed('Making what is measured with', end, LIMIT)
  return made
}

/**
 * What a row's task is given: by all sides alike, then torchgraft's own and the peers'.
 *
 * @param {SpeedInputs} inputs @param {import('../types.d.mts').SpeedRow} row @param {number} threads
 */
export function paramsOf({ ready, weights }, { model, batch, precision, kernels = 'auto', ahead = false, lr, steps }, threads) {
  const own = { own: precision, kernels, ahead }
  const peers = { precision, modes: ['reduce-overhead'] } // what is the fastest is known, and trying takes time
  return { ...ready[batch], ...own, ...peers, model, weights: weights[model], lr, threads, firstSteps: 3, steps }
}
