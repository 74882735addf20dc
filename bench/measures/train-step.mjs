import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { readyImages, startWeights } from '../harness/inputs.mjs'
import { makeRow } from '../report/row.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Row} Row */

const SIZE = 224
/** Images enough to come round again in the first steps: one that does not learn is found out. */
const BATCHES = 2
const FIRST_STEPS = 3

const NOTE = 'torchgraft uploads and crops its images in each step; the peers’ batches lie on the GPU, ready.'

/**
 * @typedef {object} Case
 * @property {import('../../src/index.js').RegNetVariant} model
 * @property {number} batch
 * @property {number} steps
 * @property {number} repeats
 * @property {number} [lr]
 * @property {'fp32' | 'fp16'} [precision] of torchgraft, and of the peers that have it
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

/** In bf16, as `auto` takes it there, and in the notebook's fp16. @type {readonly Case[]} */
const GPU_CASES = [
  { model: 'regnet_y_400mf', batch: 32, steps: 24, repeats: 5 },
  { model: 'regnet_y_400mf', batch: 128, steps: 24, repeats: 5 },
  { model: 'regnet_y_400mf', batch: 128, steps: 24, repeats: 3, precision: 'fp16' },
  { model: 'regnet_y_16gf', batch: 64, steps: 16, repeats: 3, lr: 1e-6 },
]
/** Of stored images on a GPU, as training keeps them: torchgraft uploads and crops them in each step. */
const SOURCE = 320

/**
 * Whole training steps on batches that are ready: forward, backward, Adam.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const trainStep = {
  names: ['train-step'],
  quick: true,
  async *run(context) {
    const all = context.device === 'cpu' ? CASES : GPU_CASES
    const cases = context.quick ? all.slice(0, 1) : all.filter(({ precision }) => precision !== context.precision)
    for (const each of cases) yield runCase(context, each)
  },
}

/** @param {Context} context @param {Case} each @returns {Promise<Row>} */
async function runCase(context, { model, batch, steps, repeats, lr = 1e-3, precision }) {
  const onGpu = context.device !== 'cpu'
  const { classes, ...ready } = await readyImages(context, { size: SIZE, batch, batches: BATCHES, ...(onGpu && { source: SOURCE }) })
  const weights = await startWeights(context, model, classes)
  const { samples, facts, how, leftOut, same } = await runInterleaved(context, {
    title: `train-step ${model}${precision ? ` ${precision}` : ''}`,
    task: 'train-step',
    params: {
      ...ready, model, weights, classes, lr, threads: context.threads, firstSteps: FIRST_STEPS, steps,
      ...(precision && { own: precision }), ...(precision === 'fp32' && { precision }),
    },
    peers: ['notebook', 'tuned', 'compiled'],
    repeats: context.repeats(repeats),
  })
  return makeRow({
    name: 'train-step', model, unit: 'images/s', better: 'higher',
    params: { batch, size: SIZE, precision: facts['torchgraft']?.precision ?? null, threads: context.threads },
    ...(precision && { extra: true }), how, leftOut, same, ...(onGpu && { note: NOTE }),
  }, valuesOf(samples))
}
