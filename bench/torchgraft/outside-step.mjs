import { load, torchgraft } from './library.mjs'

const { renderBatch } = await load('session/render-batch.js')

/**
 * @typedef {object} Params
 * @property {string} data
 * @property {readonly string[]} folders
 * @property {import('../../src/index.js').RegNetVariant} model
 * @property {string} weights
 * @property {number} classes
 * @property {number} batch
 * @property {number} size
 * @property {number} steps
 * @property {number} threads
 * @property {import('../../src/index.js').Device} device
 */

/**
 * The share of an epoch that is not spent in its steps, from the second on. Here a step makes its batch from pixels, which peers do
 * outside of theirs: what that takes is measured by itself, and counted as outside. On a GPU, which does it there, it counts as the step's.
 *
 * @param {Params} params
 */
export async function begin({ data, folders, model, weights, classes, batch, size, steps, threads, device }) {
  const images = await torchgraft.ImageFolder.open(data, { within: folders })
  const loader = new torchgraft.DataLoader(images.subset(Array.from({ length: steps * batch }, (_, i) => i % images.length)), {
    batchSize: batch, size, transform: torchgraft.trainTransform(), shuffle: true, seed: 1,
  })
  const session = await torchgraft.Session.create({ model, classes, threads, device })
  await session.loadStateDict((await torchgraft.readTorchCheckpoint(weights)).model)
  let epoch = 0
  const run = async () => {
    const began = performance.now()
    let inside = 0
    const batches = []
    for await (const made of loader.epoch(epoch++)) {
      const stepBegan = performance.now()
      await session.trainStep(made)
      inside += performance.now() - stepBegan
      batches.push(made)
    }
    const whole = performance.now() - began
    if (device !== 'cpu') return { value: 1 - inside / whole }
    const renderingBegan = performance.now()
    for (const made of batches) await renderBatch(made)
    return { value: 1 - (inside - (performance.now() - renderingBegan)) / whole }
  }
  await run() // decodes
  const where = device === 'cpu' ? 'its kernel makes the batch within the step, counted as outside' : 'the GPU makes the batch within the step'
  return { facts: { how: `${session.precision}, ${where}`, precision: session.precision, images: steps * batch }, run }
}
