import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { classesOf, startWeights } from '../harness/inputs.mjs'
import { makeRow } from '../report/row.mjs'

const MODEL = 'regnet_y_400mf'
const BATCH = 32
const SIZE = 224
const STEPS = 8

/**
 * The share of a training second that is not spent in the step, from the second epoch on.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const outsideStep = {
  names: ['outside-step'],
  quick: false,
  async *run(context) {
    const { data, folders, threads } = context
    const classes = await classesOf(context)
    const weights = await startWeights(context, MODEL, classes)
    const { samples, facts, how, leftOut, same } = await runInterleaved(context, {
      title: 'outside-step',
      task: 'outside-step',
      params: {
        data, folders, model: MODEL, weights, classes, batch: BATCH, size: SIZE, steps: STEPS, threads, mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
      },
      peers: ['notebook', 'tuned', 'compiled'],
      repeats: context.repeats(5),
    })
    const params = { batch: BATCH, size: SIZE, precision: facts['torchgraft']?.precision ?? null, threads }
    yield makeRow({ name: 'outside-step', model: MODEL, unit: 'share', better: 'lower', params, how, leftOut, same }, valuesOf(samples))
  },
}
