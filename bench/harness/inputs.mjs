import { existsSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { torchgraft } from '../torchgraft/library.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../../src/index.js').RegNetVariant} RegNetVariant */

/** @type {Partial<Record<RegNetVariant, string>>} */
const SHIPPED = { regnet_y_400mf: 'weights/regnet_y_400mf-tiny-imagenet.safetensors' }

/**
 * Weights that all begin from, the head among them, as a state_dict that PyTorch loads: those that ship with a new head, or
 * new ones where none do.
 *
 * @param {Context} context @param {RegNetVariant} model @param {number} classes
 */
export async function startWeights({ root, kept }, model, classes) {
  const file = join(kept, `${model}-${classes}.pth`)
  if (existsSync(file)) return file
  const session = await torchgraft.Session.create({ model, classes, seed: 1, freeze: 'trunk', device: 'cpu' })
  const shipped = SHIPPED[model]
  if (shipped !== undefined) {
    const { tensors } = await torchgraft.readSafetensors(join(root, shipped))
    await session.loadStateDict(new Map([...tensors].filter(([name]) => !name.startsWith('fc.'))), { strict: false })
  }
  await torchgraft.writeTorchCheckpoint(`${file}.new`, { model: await session.stateDict() })
  await session.dispose()
  await rename(`${file}.new`, file)
  return file
}

/**
 * The first images of an order, decoded and cut to `source` pixels of which the middle ones are taken: uint8, in a file that
 * every runner reads.
 *
 * @param {Context} context
 * @param {{ readonly size: number, readonly source?: number, readonly batch: number, readonly batches: number }} options
 * @returns {Promise<import('../torchgraft/ready-batches.mjs').ReadyImages & { readonly classes: number }>}
 */
export async function readyImages({ data, folders, temporary }, { size, source = size, batch, batches }) {
  const folder = await torchgraft.ImageFolder.open(data, { within: folders })
  const loader = new torchgraft.DataLoader(folder, {
    batchSize: batch, size: source, transform: torchgraft.evalTransform(), shuffle: true, seed: 1,
  })
  const parts = []
  /** @type {number[]} */
  const labels = []
  while (parts.length < batches) {
    for await (const { images, labels: told } of loader.epoch(0)) {
      if (told?.length !== batch || parts.length === batches) break
      parts.push(images.pixels)
      labels.push(...told)
    }
    if (parts.length === 0) throw new Error(`${data} has fewer than ${batch} images that can be read: the bench takes at least that many`)
  }
  await loader.dispose()
  const file = join(temporary, `ready-${source}-${batch}x${batches}.pixels`)
  await writeFile(file, Buffer.concat(parts))
  return { pixels: file, labels, batch, size, source, mean: loader.mean, std: loader.std, classes: folder.classes.length }
}

/** How many there are. @param {Context} context */
export async function classesOf({ data, folders }) {
  const { classes } = await torchgraft.ImageFolder.open(data, { within: folders })
  return classes.length
}

/** The notebook's, or what its smaller side has of images: it leaves out a batch that is not full. @param {Context} context */
export async function batchOfJob({ data, folders }) {
  const { length } = await torchgraft.ImageFolder.open(data, { within: folders })
  return Math.min(64, length - Math.floor(0.85 * length))
}
