import { workerProgram } from '../../../bench/harness/programs.mjs'
import { summarize } from '../../../bench/report/statistics.mjs'
import { Worker } from '../../../bench/harness/worker.mjs'
import { sizesOf } from './rows.mjs'

/** @typedef {import('../types.d.mts').Measured} Measured */

const BATCH = 32
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
/** Images a second that a GPU is to be fed with. */
const BAR = 10_000

/**
 * Images from memory to batches as a GPU takes them, from the second epoch on: by a core, and by all of them.
 *
 * @param {import('../types.d.mts').Context} context @param {import('../../../bench/types.d.mts').Context} bench
 * @returns {Promise<readonly Measured[]>}
 */
export async function measureLoad({ quick }, bench) {
  const { device, data, folders, threads } = bench
  const { size, repeats } = sizesOf(quick)
  const worker = new Worker(workerProgram(bench, 'torchgraft'))
  try {
    await worker.begin('load', { data, folders, device, size, batch: BATCH, recipe: 'default', threads, ...IMAGENET })
    /** @type {import('../../../bench/types.d.mts').Sample[]} */
    const samples = []
    for (let i = 0; i < repeats; i++) samples.push(await worker.run())
    const median = (/** @type {string} */ key) => summarize(samples.map((sample) => sample[key] ?? NaN)).median
    return [
      { name: 'loading, a core', cells: { torchgraft: median('later') } },
      { name: 'loading, all cores', cells: { torchgraft: median('laterInAll') }, bar: BAR },
    ]
  } finally {
    await worker.close()
  }
}
