import { torchgraft } from './library.mjs'
import { readBatches } from './ready-batches.mjs'

/**
 * @typedef {object} Scoring
 * @property {import('../../src/index.js').RegNetVariant} model
 * @property {string} weights
 * @property {number} classes
 * @property {number} threads
 * @property {number} steps that are timed
 * @property {boolean} [ahead] the next batch is asked for before the last one's numbers have come
 * @property {import('../../src/index.js').Device} device
 * @property {import('../types.d.mts').Precision} [own] torchgraft's precision
 */
/** @typedef {import('./ready-batches.mjs').ReadyImages & Scoring} Params */

/** On a GPU: a batch of one size is recorded as a graph in the third. */
const WARM_UP = 6

/** Scoring of images that are ready: their losses and how many are right. @param {Params} params */
export async function begin(params) {
  const { model, classes, threads, steps, ahead = false, device, own: precision = 'auto' } = params
  const batches = await readBatches(params)
  const session = await torchgraft.Session.create({ model, classes, threads, device, precision, memoryFormat: 'channels_last' })
  await session.loadStateDict((await torchgraft.readTorchCheckpoint(params.weights)).model)
  const losses = []
  for (const batch of batches) losses.push((await session.evalStep(batch)).loss / params.batch)
  const score = async (/** @type {number} */ count) => {
    /** @type {Promise<unknown> | undefined} */
    let last
    for (let i = 0; i < count; i++) {
      const coming = session.evalStep(/** @type {import('../../src/index.js').Batch} */ (batches[i % batches.length]))
      await (ahead ? last : coming)
      last = coming
    }
    await last
  }
  if (device !== 'cpu') await score(WARM_UP)
  const notes = await session.deviceNotes()
  return {
    facts: {
      how: [session.precision, session.memoryFormat, `batch norm folded, ${ahead ? 'the next one asked for ahead' : 'one at a time'}`, ...notes].join(', '),
      precision: session.precision,
      losses,
      images: batches.length * params.batch,
      notes,
    },
    async run() {
      const began = performance.now()
      await score(steps)
      return { value: (steps * params.batch * 1000) / (performance.now() - began) }
    },
  }
}
