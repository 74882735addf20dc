import { join } from 'node:path'
import { startChild, startTeller } from './child.mjs'
import { furthest, percent, sideBySide } from './compare.mjs'
import { PEERS_IMPORT, visibleDevices } from '../../bench/harness/device.mjs'
import { whatIsMissing } from '../../bench/harness/python.mjs'
import { CheckFailed, childFailed, LeftOut } from './part.mjs'
import { runTraining } from './train/train.mjs'

/** @typedef {import('./types.d.mts').Context} Context */
/** @typedef {import('../../src/index.js').Device} Device */

const LIMIT = 60
/**
 * As a share of the first loss: of the first step, before anything is learned, and of all. fp16 has 10 bits of mantissa, and
 * Adam's first steps are as long for small gradients, which are noise, as for large ones.
 */
const TOLERANCE = { first: 0.01, all: 0.1 }
const SEED = 3
/** Beside other work one thread is the fastest. */
const QUICK = { steps: 4, batch: 8, size: 48, threads: 1 }
const MODEL = 'regnet_y_400mf'
const WEIGHTS = 'regnet_y_400mf-tiny-imagenet'

/**
 * The notebook's recipe beside bench/notebook.py on the same device: the losses of the first steps. The notebook runs twice,
 * to show how far two of its own runs lie apart.
 *
 * @param {Context} context @param {AbortSignal} signal
 */
export async function notebook(context, signal) {
  const { temporary, device, quick, python, tell } = context
  const missing = whatIsMissing(python, PEERS_IMPORT)
  if (missing !== '') throw new LeftOut(missing)
  const data = await context.data
  const { steps, batch, size, ...threads } = quick ? QUICK : { steps: 30, batch: 16, size: 224 }
  const weights = await convertWeights(context, signal)

  const settings = { model: MODEL, weights, size, 'batch-size': batch, steps, seed: SEED, 'mean-std': 'imagenet', ...threads }
  const args = ['bench/notebook.py', data, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])]
  /** @type {import('../../src/index.js').TrainOptions} */
  const options = {
    recipe: 'notebook',
    data,
    output: join(temporary, 'notebook'),
    model: MODEL,
    weights: WEIGHTS,
    size,
    batchSize: batch,
    ...threads,
    seed: SEED,
    meanStd: 'imagenet',
    device: /** @type {Device} */ (device),
  }
  const expected = await runNotebook(context, signal, args)
  const again = device === 'cpu' ? expected : await runNotebook(context, signal, args)
  const run = await runTraining(context, signal, { options, endAfter: steps })
  if (run.end.code !== 0) throw childFailed('Training by the notebook’s recipe', run.end, LIMIT)

  const losses = [...run.losses.values()]
  tell(`  step  torchgraft  notebook.py\n${sideBySide(losses, expected)}`)
  const all = furthest(losses, expected)
  const first = furthest(losses.slice(0, 1), expected.slice(0, 1))
  const own = furthest(again, expected)
  const said = [
    `${steps} losses beside bench/notebook.py: first ${percent(first.share)} off (at most ${percent(TOLERANCE.first)})`,
    `furthest ${percent(all.share)} at step ${all.at + 1} (at most ${percent(TOLERANCE.all)})`,
    `the notebook from itself ${percent(own.share)}`,
  ].join(', ')
  if (!(first.share <= TOLERANCE.first && all.share <= Math.max(TOLERANCE.all, 2 * own.share))) throw new CheckFailed(said)
  return said
}

/**
 * The notebook reads no safetensors without a package of that name, which may be missing.
 *
 * @param {Context} context @param {AbortSignal} signal
 */
async function convertWeights({ root, env, temporary }, signal) {
  const from = join(root, 'weights', `${WEIGHTS}.safetensors`)
  const to = join(temporary, 'weights.pth')
  const code = `import { torchgraft } from ${JSON.stringify(new URL('../../bench/torchgraft/library.mjs', import.meta.url).href)}
const { tensors } = await torchgraft.readSafetensors(${JSON.stringify(from)})
await torchgraft.writeTorchCheckpoint(${JSON.stringify(to)}, { model: tensors })`
  const end = await startChild(process.execPath, ['--input-type=module', '-e', code], { cwd: root, env, limit: LIMIT, signal }).end
  if (end.code !== 0) throw childFailed('Converting the weights', end, LIMIT)
  return to
}

/** @param {Context} context @param {AbortSignal} signal @param {readonly string[]} args @returns {Promise<readonly number[]>} */
async function runNotebook({ root, env, device, python }, signal, args) {
  /** @type {number[]} */
  const losses = []
  const onMessage = (/** @type {any} */ event) => void (event.type === 'step' && losses.push(event.loss))
  const own = { ...env, CUDA_VISIBLE_DEVICES: visibleDevices(device, env), PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' }
  const child = startTeller(python.command, args, { cwd: root, env: own, limit: LIMIT, signal, onMessage })
  const end = await child.end
  if (end.code !== 0) throw childFailed('bench/notebook.py', end, LIMIT)
  return losses
}
