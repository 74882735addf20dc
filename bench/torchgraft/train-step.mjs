import { torchgraft } from './library.mjs'
import { readBatches } from './ready-batches.mjs'

/**
 * @typedef {object} Training
 * @property {import('../../src/index.js').RegNetVariant} model
 * @property {string} weights
 * @property {number} classes
 * @property {number} lr
 * @property {number} threads
 * @property {number} firstSteps whose losses are told
 * @property {number} steps that are timed
 * @property {import('../types.d.mts').Precision} [own] torchgraft's precision
 * @property {import('../../src/index.js').Device} device
 * @property {'auto' | 'plain'} [kernels]
 * @property {number} startedAt when its process was started, in milliseconds
 */
/** @typedef {import('./ready-batches.mjs').ReadyImages & Training} Params */

/** On a GPU: its step is recorded as a graph in the third. */
const WARM_UP = 6

/** Steps on images that are ready. @param {Params} params */
export async function begin(params) {
  const { model, classes, lr, threads, firstSteps, steps, own: precision = 'auto', device, kernels = 'auto', startedAt } = params
  const batches = await readBatches(params)
  const session = await torchgraft.Session.create({
    model, classes, threads, device, precision, kernels, memoryFormat: 'channels_last', optimizer: { type: 'adam', lr },
  })
  await session.loadStateDict((await torchgraft.readTorchCheckpoint(params.weights)).model)
  let step = 0
  const next = async () =>
    (await session.trainStep(/** @type {import('../../src/index.js').Batch} */ (batches[step++ % batches.length]))).loss / params.batch
  const losses = [await next()]
  const firstStep = (Date.now() - startedAt) / 1000
  for (let i = 1; i < firstSteps; i++) losses.push(await next())
  for (let i = 0; i < (device === 'cpu' ? 0 : WARM_UP); i++) await next()
  const notes = await session.deviceNotes()
  return {
    facts: {
      how: [session.precision, session.memoryFormat, 'fused Adam', ...notes].join(', '),
      precision: session.precision,
      losses,
      images: batches.length * params.batch,
      firstStep,
      notes,
    },
    async run() {
      const began = performance.now()
      for (let i = 0; i < steps; i++) await next()
      return { value: (steps * params.batch * 1000) / (performance.now() - began) }
    },
  }
}
