import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { readyImages, startWeights } from '../harness/inputs.mjs'
import { makeRow } from '../report/row.mjs'

/** @typedef {import('../types.d.mts').Context} Context */

const MODEL = 'regnet_y_400mf'
const SIZE = 224
const BATCHES = 2
const CPU = { batch: 32, source: SIZE, steps: 8 }
/** Stored images are larger, as training keeps them: torchgraft uploads and crops them. */
const GPU = { batch: 128, source: 320, steps: 24 }
const NOTE = 'torchgraft uploads and crops its images, and asks for the next batch before the last one’s numbers have come; the peers’ batches lie on the GPU, ready.'

/**
 * Scoring of batches that are ready, without reading files: losses, and how many are right.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const scoreStep = {
  names: ['score-step'],
  quick: false,
  async *run(context) {
    const onGpu = context.device !== 'cpu'
    const { batch, source, steps } = onGpu ? GPU : CPU
    const { classes, ...ready } = await readyImages(context, { size: SIZE, source, batch, batches: BATCHES })
    const weights = await startWeights(context, MODEL, classes)
    const { samples, facts, how, leftOut, same } = await runInterleaved(context, {
      title: 'score-step',
      task: 'score-step',
      params: { ...ready, model: MODEL, weights, classes, threads: context.threads, steps, ahead: true },
      peers: ['notebook', 'tuned', 'compiled'],
      repeats: context.repeats(5),
    })
    const params = { batch, size: SIZE, precision: facts['torchgraft']?.precision ?? null, threads: context.threads }
    const about = { name: 'score-step', model: MODEL, unit: 'images/s', better: /** @type {const} */ ('higher'), params }
    yield makeRow({ ...about, how, leftOut, same, ...(onGpu && { note: NOTE }) }, valuesOf(samples))
  },
}
