import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTeller } from '../child.mjs'
import { aboveChance, furthest, percent, sideBySide } from '../compare.mjs'
import { classesOf } from './data.mjs'
import { CheckFailed, childFailed } from '../part.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../../../src/index.js').TrainOptions} TrainOptions */
/** @typedef {import('../types.d.mts').TrainingRun} Run */

const CHILD = new URL('training-child.mjs', import.meta.url).pathname
const LIMIT = 60
/**
 * Of the mean training losses of whole epochs, as a share of the first. A GPU sums in another order each time, and training
 * magnifies it; a state that was lost or mixed up moves them more.
 */
const TOLERANCE = 0.1

/** Of images so small, and beside other work, one thread is the fastest. */
const QUICK = { epochs: 3, batchSize: 8, size: 48, progressiveResizing: false, threads: 1 }
const FULL = { epochs: 12, batchSize: 32, size: 224 }
/** Of the whole run, its program's start and end in it; in seconds, set on an H200. */
const REACH = { lower: /** @type {const} */ (true), bar: 8, aim: 5 }

/**
 * Trains on images that it makes, kills another such run in the middle and resumes it: both must end alike, and better
 * than by guessing.
 *
 * @param {Context} context @param {AbortSignal} signal @param {import('../types.d.mts').Found} found
 */
export async function train(context, signal, { measured }) {
  const { temporary, device, quick, tell } = context
  const data = await context.data
  /** @type {TrainOptions & { readonly epochs: number }} */
  const options = {
    ...(quick ? QUICK : FULL),
    data,
    device: /** @type {import('../../../src/index.js').Device} */ (device),
  }
  const { epochs } = options

  const whole = await runTraining(context, signal, { options: { ...options, output: join(temporary, 'whole') } })
  if (whole.end.code !== 0 || !whole.result) throw childFailed('Training', whole.end, LIMIT)
  const { top1, count, seconds, precision } = whole.result
  const name = `UVA-like, ${epochs} epochs, s`
  measured.set(name, { name, cells: { torchgraft: whole.end.seconds }, ...REACH })
  const means = whole.epochs.map((loss) => loss.toFixed(3)).join(', ')
  tell(`  whole run: top-1 ${percent(top1)} of ${count} images in ${precision}, ${seconds.toFixed(1)} s (${whole.end.seconds.toFixed(1)} s with its program's start and end)`)
  tell(`  mean losses ${means}`)

  const output = join(temporary, 'killed')
  // A GPU's memory format is chosen by a clock: both runs take the first one's.
  const { memoryFormat } = JSON.parse(readFileSync(join(temporary, 'whole', 'config.json'), 'utf8'))
  const again = { ...options, output, memoryFormat, saveEveryMinutes: 0.001 }
  const dieAt = { epoch: (epochs >> 1) + 1, step: quick ? 4 : 8 }
  const killed = await runTraining(context, signal, { options: again, dieAt })
  if (killed.end.signal !== 'SIGKILL' || killed.end.late) throw childFailed('A run that was to be killed in the middle', killed.end, LIMIT)
  const resumed = await runTraining(context, signal, { options: { output, resume: true } })
  if (resumed.end.code !== 0 || !resumed.result || !resumed.resumed) throw childFailed('The resumed run', resumed.end, LIMIT)
  const from = `epoch ${resumed.resumed.epoch}, step ${resumed.resumed.step + 1}`
  tell(`  killed after ${killed.losses.size} steps, resumed at ${from}: top-1 ${percent(resumed.result.top1)}`)

  const needed = aboveChance(classesOf(quick), count)
  const guessing = `guessing comes to ${percent(needed)}`
  if (top1 < needed) throw new CheckFailed(`top-1 is ${percent(top1)} of ${count} images, and ${guessing}
mean losses of the epochs: ${means}`)
  const { said, bytes } = compareEnds(whole, killed, resumed, [join(temporary, 'whole'), output])
  if (device === 'cpu' && !bytes) throw new CheckFailed(`${said}: on a CPU the bytes must be the same`)
  return `top-1 ${percent(top1)} (${guessing}), ${epochs} epochs in ${seconds.toFixed(1)} s; ${said}`
}

/** @param {Run} whole @param {Run} killed @param {Run} resumed @param {readonly [string, string]} folders */
function compareEnds(whole, killed, resumed, folders) {
  const ends = new Map([...killed.losses, ...resumed.losses])
  const expected = [...whole.losses.values()]
  const losses = [...whole.losses.keys()].map((key) => ends.get(key) ?? NaN)
  const bytes = files(folders[0]) === files(folders[1])
  const steps = furthest(losses, expected)
  const { epoch = 0, step = 0 } = resumed.resumed ?? {}
  const key = `${epoch} ${step + 1}`
  const first = Math.abs((resumed.losses.get(key) ?? NaN) - (whole.losses.get(key) ?? NaN)) / (expected[0] ?? NaN)
  const means = furthest(resumed.epochs, whole.epochs.slice(whole.epochs.length - resumed.epochs.length))
  const said = [
    `killed and resumed: ${bytes ? 'the same bytes' : 'other bytes'}, first loss after it ${percent(first)} off`,
    `steps ${percent(steps.share)}, epochs ${percent(means.share)} (at most ${percent(TOLERANCE)})`,
  ].join(', ')
  if (!(means.share <= TOLERANCE)) {
    const epochs = `mean losses of its epochs, and of the whole run's: ${resumed.epochs.join(', ')}; ${whole.epochs.join(', ')}`
    throw new CheckFailed(`${said}
${epochs}
losses of steps, of the killed run and of the whole one:
${sideBySide(losses, expected)}`)
  }
  return { said, bytes }
}

/**
 * @param {Context} context @param {AbortSignal} signal
 * @param {import('../types.d.mts').TrainingTask} task
 * @returns {Promise<Run>}
 */
export async function runTraining({ root, env }, signal, task) {
  /** @type {Map<string, number>} */
  const losses = new Map()
  /** @type {number[]} */
  const epochs = []
  /** @type {Run['result']} */
  let result
  /** @type {Run['resumed']} */
  let resumed
  const onMessage = (/** @type {any} */ event) => {
    if (event.type === 'step') losses.set(`${event.epoch} ${event.step}`, event.loss)
    if (event.type === 'epoch') epochs.push(event.train.loss)
    if (event.type === 'resume') resumed = event
    if (event.type === 'result') result = event
  }
  const child = startTeller(process.execPath, [CHILD, JSON.stringify(task)], { cwd: root, env, limit: LIMIT, signal, onMessage })
  return { end: await child.end, losses, epochs, result, resumed }
}

/** A hash of the model files. @param {string} folder */
function files(folder) {
  const hash = createHash('sha256')
  const names = readdirSync(folder).filter((file) => /^(?:best|last)\.safetensors$/.test(file)).sort()
  for (const name of names) hash.update(name).update(readFileSync(join(folder, name)))
  return hash.digest('hex')
}
