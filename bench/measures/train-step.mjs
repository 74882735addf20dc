import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { readyImages, startWeights } from '../harness/inputs.mjs'
import { makeRow } from '../report/row.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Row} Row */

const SIZE = 224
/** Images enough to come round again in the first steps: one that does not learn is found out. */
const BATCHES = 2
const FIRST_STEPS = 3

/**
 * @typedef {object} Case
 * @property {import('../../src/index.js').RegNetVariant} model
 * @property {number} batch
 * @property {number} steps
 * @property {number} repeats
 * @property {number} [lr]
 * @property {'fp32'} [precision]
 */

/**
 * Models without shipped weights begin from random ones, and take short steps: long ones lead bf16 so far from fp32 that
 * losses cannot be compared.
 *
 * @type {readonly Case[]}
 */
const CASES = [
  { model: 'regnet_y_400mf', batch: 32, steps: 4, repeats: 5 },
  { model: 'regnet_y_400mf', batch: 32, steps: 4, repeats: 3, precision: 'fp32' },
  { model: 'regnet_y_16gf', batch: 8, steps: 2, repeats: 3, lr: 1e-6 },
  { model: 'regnet_x_1_6gf', batch: 32, steps: 2, repeats: 3, lr: 1e-5 },
]

/**
 * Whole training steps on batches that are ready: forward, backward, Adam.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const trainStep = {
  names: ['train-step'],
  quick: true,
  async *run(context) {
    const cases = context.quick ? CASES.slice(0, 1) : CASES.filter(({ precision }) => precision !== context.precision)
    for (const each of cases) yield runCase(context, each)
  },
}

/** @param {Context} context @param {Case} each @returns {Promise<Row>} */
async function runCase(context, { model, batch, steps, repeats, lr = 1e-3, precision }) {
  const { classes, ...ready } = await readyImages(context, { size: SIZE, batch, batches: BATCHES })
  const weights = await startWeights(context, model, classes)
  const { samples, facts, how, leftOut, same } = await runInterleaved(context, {
    title: `train-step ${model}${precision ? ` ${precision}` : ''}`,
    task: 'train-step',
    params: {
      ...ready, model, weights, classes, lr, threads: context.threads, firstSteps: FIRST_STEPS, steps,
      ...(precision && { precision }),
    },
    peers: ['notebook', 'tuned', 'compiled'],
    repeats: context.repeats(repeats),
  })
  return makeRow({
    name: 'train-step', model, unit: 'images/s', better: 'higher',
    params: { batch, size: SIZE, precision: facts['torchgraft']?.precision ?? null, threads: context.threads },
    ...(precision && { extra: true }), how, leftOut, same,
  }, valuesOf(samples))
}
