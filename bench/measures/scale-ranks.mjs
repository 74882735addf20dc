import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { readyImages, startWeights } from '../harness/inputs.mjs'
import { workerProgram } from '../harness/programs.mjs'
import { RankWorkers } from '../harness/rank-workers.mjs'
import { makeRow } from '../report/row.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Row} Row */
/** @typedef {import('../types.d.mts').Sample} Sample */

const RANKS = [1, 2, 4]
const MODEL = 'regnet_y_400mf'
/** Of all ranks. */
const BATCH = 32
const SIZE = 224

/**
 * The cores divided among ranks, which train one model together: how fast, what they send, and what waiting for it costs.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const scaleRanks = {
  names: ['scale-ranks'],
  onGpu: [],
  quick: false,
  async *run(context) {
    for (const ranks of RANKS.filter((count) => count <= context.threads)) yield* await runRanks(context, ranks)
  },
}

/** @param {Context} context @param {number} ranks @returns {Promise<Row[]>} */
async function runRanks(context, ranks) {
  const threads = Math.floor(context.threads / ranks)
  const { classes, ...ready } = await readyImages(context, { size: SIZE, batch: BATCH, batches: 2 })
  const weights = await startWeights(context, MODEL, classes)
  const { samples, how, leftOut, same } = await runInterleaved(context, {
    title: `scale-ranks ${ranks} ranks, ${threads} threads each`,
    task: 'rank-step',
    params: { ...ready, model: MODEL, weights, classes, lr: 1e-3, threads, firstSteps: 3, steps: 4, own: 'fp32', precision: 'fp32' },
    peers: ['ddp'],
    repeats: context.repeats(5),
    start: (name) => new RankWorkers(workerProgram({ ...context, threads }, name), ranks, (all) => ofAllRanks(all, BATCH)),
  })
  const params = { ranks, threads, batch: BATCH, size: SIZE, precision: 'fp32' }
  const about = { name: 'scale-ranks', model: MODEL, params, extra: /** @type {const} */ (true) }
  const speed = makeRow({ ...about, unit: 'images/s', better: 'higher', how, leftOut, same }, valuesOf(samples))
  if (ranks === 1) return [speed]
  const sent = valuesOf({ torchgraft: samples['torchgraft'] ?? [] }, 'megabytes')
  return [
    speed,
    makeRow({ ...about, unit: 'ms', better: 'lower', note: OUTSIDE }, valuesOf(samples, 'outside')),
    makeRow({ ...about, unit: 'MB', better: 'lower', note: SENT }, sent),
  ]
}

const OUTSIDE = 'Of a step with the group, less one with the same share of the batch while as many processes compute beside it without a group: what reducing takes outside the backward pass, and waiting for the slowest.'
const SENT = 'Sent by each rank in a step.'

/**
 * What ranks measured side by side: a step with the group ends with the slowest, one without is each rank's own.
 *
 * @param {readonly Sample[]} samples seconds of a step with the group and `alone`, and `bytes` handed to reduce in one
 * @param {number} batch images of all ranks
 * @returns {Sample} images/s, ms of a step that reducing adds, and MB that a ring sends
 */
export function ofAllRanks(samples, batch) {
  const of = (/** @type {string} */ key) => samples.map((sample) => sample[key] ?? 0)
  const seconds = Math.max(...of('seconds'))
  const alone = of('alone').reduce((sum, each) => sum + each) / samples.length
  const ring = (2 * (samples.length - 1)) / samples.length
  return { value: batch / seconds, outside: (seconds - alone) * 1000, megabytes: (Math.max(...of('bytes')) * ring) / 1e6 }
}
