import { load, torchgraft } from './library.mjs'

const { renderBatch } = await load('session/render-batch.js')
const { notebookTrainTransform } = await load('recipes/notebook/transforms.js')

/**
 * @typedef {object} Params
 * @property {string} data
 * @property {readonly string[]} folders
 * @property {number} batch
 * @property {number} size
 * @property {'default' | 'notebook'} recipe
 * @property {import('../../src/index.js').Rgb} mean
 * @property {import('../../src/index.js').Rgb} std
 * @property {string} device on a GPU, pixels are not rendered here
 */

/** Images to batches as a model sees them, in images per second of processor time. @param {Params} params */
export async function begin({ data, folders, batch, size, recipe, mean, std, device }) {
  const images = await torchgraft.ImageFolder.open(data, { within: folders })
  const transform = recipe === 'notebook' ? notebookTrainTransform() : torchgraft.trainTransform()

  const open = () => new torchgraft.DataLoader(images, {
    batchSize: batch, size, transform, mean, std, seed: 1, shuffle: recipe === 'default', dropLast: true,
  })
  const epoch = async (/** @type {import('../../src/index.js').DataLoader} */ loader, /** @type {number} */ number) => {
    const before = process.cpuUsage()
    const began = performance.now()
    let count = 0
    /** @type {Float32Array | undefined} */
    let room
    for await (const made of loader.epoch(number)) {
      if (device === 'cpu') room = await renderBatch(made, room)
      count += made.size
    }
    const { user, system } = process.cpuUsage(before)
    return { count, speed: (count * 1e6) / (user + system), inAll: (count * 1000) / (performance.now() - began) }
  }
  const run = async () => {
    const loader = open()
    const { count, speed: first } = await epoch(loader, 0)
    const { speed: later, inAll: laterInAll } = await epoch(loader, 1)
    await loader.dispose()
    return { count, first, later, laterInAll }
  }
  const { count } = await run() // the files are in the system's memory now, as for the others
  const drawn = recipe === 'notebook' ? 'jitter and affine' : 'random resized crop and flip'
  const then = device === 'cpu' ? `${drawn} by its kernel` : 'to be cropped by the GPU'
  return { facts: { how: `decoded once, ${then}`, precision: 'fp32', images: count }, run }
}
