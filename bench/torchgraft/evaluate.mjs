import { load, torchgraft } from './library.mjs'

const { openModel } = await load('inference/open-model.js')
const { scoringTransform } = await load('augment/transforms.js')

/**
 * @typedef {object} Params
 * @property {string} file
 * @property {string} data
 * @property {readonly string[]} folders
 * @property {readonly string[]} classes
 * @property {readonly string[]} names
 * @property {number} batch
 * @property {number} threads
 * @property {string} device
 */

/** Every image scored once, from its file. @param {Params} params */
export async function begin({ file, data, folders, classes, names, batch, threads, device }) {
  const { session, metadata } = await openModel(file, { threads, device })
  const all = await torchgraft.ImageFolder.open(data, { within: folders, classes })
  const places = new Map(all.items.map(({ path }, i) => [path, i]))
  const images = all.subset(names.map((name) => places.get(name) ?? -1))
  const { size, mean, std, resize } = metadata
  const score = async () => {
    const loader = new torchgraft.DataLoader(images, {
      batchSize: batch, size, mean, std, transform: scoringTransform(resize), cacheBytes: 0,
    })
    return torchgraft.evaluate(session, loader)
  }
  const { loss, count } = await score()
  return {
    facts: {
      how: `${session.precision}, ${session.memoryFormat}, read ahead`,
      precision: session.precision,
      images: count,
      losses: [loss],
    },
    async run() {
      const began = performance.now()
      const scored = await score()
      return { speed: (scored.count * 1000) / (performance.now() - began) }
    },
  }
}
