import { torchgraft } from './library.mjs'

/** @typedef {{ readonly data: string, readonly folders: readonly string[], readonly model: import('../../src/index.js').RegNetVariant, readonly weights: string, readonly classes: number, readonly batch: number, readonly size: number, readonly steps: number, readonly threads: number }} Params */

/** The share of an epoch that is not spent in its steps, from the second on. @param {Params} params */
export async function begin({ data, folders, model, weights, classes, batch, size, steps, threads }) {
  const pictures = await torchgraft.ImageFolder.open(data, { within: folders })
  const loader = new torchgraft.DataLoader(pictures.subset(Array.from({ length: steps * batch }, (_, i) => i % pictures.length)), { batchSize: batch, size, transform: torchgraft.trainTransform(), shuffle: true, seed: 1 })
  const session = await torchgraft.Session.create({ model, classes, threads })
  await session.loadStateDict((await torchgraft.readTorchCheckpoint(weights)).model)
  let epoch = 0
  const run = async () => {
    const began = performance.now()
    let inside = 0
    for await (const made of loader.epoch(epoch++)) {
      const stepBegan = performance.now()
      await session.trainStep(made)
      inside += performance.now() - stepBegan
    }
    return { value: 1 - inside / (performance.now() - began) }
  }
  await run() // decodes
  return { facts: { how: `${session.precision}, its kernel augments within the step`, precision: session.precision, pictures: steps * batch }, run }
}
