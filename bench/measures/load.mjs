import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { makeRow } from '../report/row.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Row} Row */

const SIZE = 224
const BATCH = 32
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
/** What a GPU takes are pixels and plans. */
const ON_GPU = 'torchgraft hands over decoded pixels, which the step crops on the GPU; the peers crop on the CPU. In all: by all cores.'
const NOTES = {
  default: 'torchgraft and tuned make random resized crops, mirrored half the time; the notebook jitter and affine, as it is written. First epoch: from files in the system’s memory.',
  notebook: 'all make the notebook’s images: pad, resize, jitter, affine',
}

/**
 * Images to augmented batches, without a model: in the first epoch and in those after it.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const load = {
  names: ['load-first', 'load-later'],
  quick: true,
  async *run(context, wanted) {
    const recipes = /** @type {const} */ (['default', 'notebook'])
    for (const recipe of context.quick || context.device !== 'cpu' ? recipes.slice(0, 1) : recipes) {
      yield* (await runRecipe(context, recipe)).filter(({ name }) => wanted.has(name))
    }
  },
}

/** @param {Context} context @param {'default' | 'notebook'} recipe @returns {Promise<Row[]>} */
async function runRecipe(context, recipe) {
  const { data, folders, threads, device } = context
  const { samples, how, leftOut, same } = await runInterleaved(context, {
    title: `load ${recipe}`,
    task: 'load',
    params: { data, folders, size: SIZE, batch: BATCH, recipe, threads, ...IMAGENET },
    peers: ['notebook', 'tuned'],
    repeats: context.repeats(5),
  })
  const about = {
    model: null,
    better: /** @type {const} */ ('higher'),
    params: { batch: BATCH, size: SIZE, recipe, threads },
    ...(recipe !== 'default' && { extra: /** @type {const} */ (true) }),
    how,
    leftOut,
    same,
    note: device === 'cpu' ? NOTES[recipe] : ON_GPU,
  }
  const rows = ['first', 'later'].map((when) =>
    makeRow({ ...about, name: `load-${when}`, unit: 'images/CPU-second' }, valuesOf(samples, when)))
  if (device === 'cpu') return rows
  const inAll = { torchgraft: valuesOf(samples, 'laterInAll')['torchgraft'] ?? [] }
  return [...rows, makeRow({ ...about, name: 'load-later', unit: 'images/s' }, inAll)]
}
