import { torchgraft } from './library.mjs'

/**
 * @typedef {object} Params
 * @property {string} file
 * @property {readonly string[]} classes
 * @property {readonly string[]} paths
 * @property {number} batch
 * @property {number} threads
 * @property {import('../../src/index.js').Device} device
 */

/** Photos to labels, some at a time. @param {Params} params */
export async function begin({ file, classes, paths, batch, threads, device }) {
  const { Classifier, Session } = torchgraft
  const classifier = await Classifier.open(file, { threads, device })
  const { precision, memoryFormat } = await describe(Session, classifier.metadata.model, threads, device)
  const labels = async () => {
    const found = []
    for await (const { predictions, error } of classifier.predictAll(paths, { topK: 1, batchSize: batch })) {
      if (error) throw error
      found.push(classes.indexOf(predictions[0]?.label ?? ''))
    }
    return found
  }
  return {
    facts: { how: `${precision}, ${memoryFormat}, read ahead`, precision, images: paths.length, labels: await labels() },
    async run() {
      const began = performance.now()
      await labels()
      const milliseconds = performance.now() - began
      return { speed: (paths.length * 1000) / milliseconds, milliseconds: milliseconds / paths.length }
    },
  }
}

/**
 * What a session takes by itself here.
 *
 * @param {typeof torchgraft.Session} Session
 * @param {import('../../src/index.js').RegNetVariant} model
 * @param {number} threads
 * @param {import('../../src/index.js').Device} device
 */
async function describe(Session, model, threads, device) {
  const session = await Session.create({ model, classes: 2, threads, device, freeze: 'trunk' })
  const { precision, memoryFormat } = session
  await session.dispose()
  return { precision: /** @type {import('../types.d.mts').Precision} */ (precision), memoryFormat }
}
