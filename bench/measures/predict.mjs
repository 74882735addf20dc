import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { makeRow } from '../report/row.mjs'
import { trainedModel } from '../harness/trained-model.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Row} Row */

const BATCH = 32
const GPU_BATCH = 128
const PEERS = ['notebook', 'tuned', 'compiled', 'onnxruntime']

/**
 * A model that is open already, from files to labels or scores.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const predict = {
  names: ['evaluate', 'predict-batch', 'predict-one'],
  onGpu: ['evaluate', 'predict-batch'],
  quick: true,
  async *run(context, wanted) {
    const trained = await trainedModel(context)
    if (wanted.has('evaluate') && !context.quick) yield runEvaluate(context, trained)
    const batch = batchOn(context)
    if (wanted.has('predict-batch')) yield runPredict(context, trained, { name: 'predict-batch', batch, images: 4 * batch })
    if (wanted.has('predict-one') && !context.quick) yield runPredict(context, trained, { name: 'predict-one', batch: 1, images: 16 })
  },
}

/** @typedef {Awaited<ReturnType<typeof trainedModel>>} Trained */

/** @param {Context} context @param {Trained} trained @returns {Promise<Row>} */
async function runEvaluate(context, { items, ...trained }) {
  const { data, folders, threads } = context
  const batch = batchOn(context)
  const taken = spread(items, Math.floor(items.length / batch) * batch)
  const { samples, facts, ...rest } = await runInterleaved(context, {
    title: 'evaluate',
    task: 'evaluate',
    params: {
      ...trained, data, folders, threads, batch, names: taken.map(({ name }) => name), paths: taken.map(({ path }) => path),
      targets: taken.map(({ label }) => label),
    },
    peers: PEERS,
    repeats: context.repeats(5),
  })
  const params = { batch, size: trained.size, images: taken.length, precision: facts['torchgraft']?.precision ?? null, threads }
  return makeRow({ name: 'evaluate', model: trained.model, unit: 'images/s', better: 'higher', params, how: rest.how, leftOut: rest.leftOut, same: rest.same }, valuesOf(samples, 'speed'))
}

/**
 * @param {Context} context
 * @param {Trained} trained
 * @param {{ readonly name: string, readonly batch: number, readonly images: number }} options
 * @returns {Promise<Row>}
 */
async function runPredict(context, { items, ...trained }, { name, batch, images }) {
  const paths = spread(items, Math.min(images, Math.floor(items.length / batch) * batch)).map(({ path }) => path)
  const { samples, facts, how, leftOut, same } = await runInterleaved(context, {
    title: name,
    task: 'predict',
    params: { ...trained, paths, batch, threads: context.threads },
    peers: PEERS,
    repeats: context.repeats(5),
  })
  const params = {
    batch,
    size: trained.size,
    images: paths.length,
    precision: facts['torchgraft']?.precision ?? null,
    threads: context.threads,
  }
  const alone = batch === 1
  const about = { name, model: trained.model, params, how, leftOut, same }
  if (alone) return makeRow({ ...about, unit: 'ms', better: 'lower' }, valuesOf(samples, 'milliseconds'))
  return makeRow({ ...about, unit: 'images/s', better: 'higher' }, valuesOf(samples, 'speed'))
}

/** @param {Context} context */
function batchOn({ device }) {
  return device === 'cpu' ? BATCH : GPU_BATCH
}

/** So many of a list, from all over it. @template T @param {readonly T[]} items @param {number} count @returns {T[]} */
function spread(items, count) {
  return Array.from({ length: count }, (_, i) => /** @type {T} */ (items[Math.floor((i * items.length) / count)]))
}
