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
 * @property {'fp32' | 'bf16'} [precision]
 */
/** @typedef {import('./ready-batches.mjs').ReadyImages & Training} Params */

/** Steps on images that are ready. @param {Params} params */
export async function begin(params) {
  const { model, classes, lr, threads, firstSteps, steps, precision = 'auto' } = params
  const batches = await readBatches(params)
  const session = await torchgraft.Session.create({ model, classes, threads, precision, optimizer: { type: 'adam', lr } })
  await session.loadStateDict((await torchgraft.readTorchCheckpoint(params.weights)).model)
  let step = 0
  const next = async () =>
    (await session.trainStep(/** @type {import('../../src/index.js').Batch} */ (batches[step++ % batches.length]))).loss / params.batch
  const losses = []
  for (let i = 0; i < firstSteps; i++) losses.push(await next())
  return {
    facts: {
      how: `${session.precision}, ${session.memoryFormat}, fused Adam`,
      precision: session.precision,
      losses,
      images: batches.length * params.batch,
    },
    async run() {
      const began = performance.now()
      for (let i = 0; i < steps; i++) await next()
      return { value: (steps * params.batch * 1000) / (performance.now() - began) }
    },
  }
}
