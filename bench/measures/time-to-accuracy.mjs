import { copyFile, link, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { batchOfJob, classesOf, startWeights } from '../harness/inputs.mjs'
import { runJob } from '../harness/jobs.mjs'
import { makeRow } from '../report/row.mjs'
import { MismatchError } from '../report/sameness.mjs'
import { load } from '../torchgraft/library.mjs'
import { MODEL } from './job.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Row} Row */
/** @typedef {import('../harness/jobs.mjs').JobOutcome} JobOutcome */

/** The notebook's most; it stops after three without improvement. */
const EPOCHS = 20
const PEERS = ['tuned', 'compiled']

/**
 * Seconds from a program's start to the end of the epoch that first reaches the best validation accuracy of the notebook's
 * recipe, from the same weights, scored on the same images.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const timeToAccuracy = {
  names: ['time-to-accuracy'],
  quick: false,
  async *run(context) {
    const { tell } = context
    const batch = await batchOfJob(context)
    const job = { model: MODEL, weights: await startWeights(context, MODEL, await classesOf(context)), epochs: EPOCHS, batch }
    const { data, scored } = await layOutSides(context, batch)
    /** @type {Record<string, number[]>} */
    const values = { torchgraft: [], notebook: [] }
    /** @type {Record<string, string>} */
    const leftOut = {}
    /** @type {Record<string, string>} */
    const how = {}
    let target = 0
    for (let i = 0; i < context.repeats(1); i++) {
      const whole = await runJob(context, 'notebook', job)
      target = Math.max(...whole.epochs.map(({ top1 }) => top1))
      values['notebook']?.push(timeTo(whole, target) ?? Number.NaN)
      tell(`time-to-accuracy: the notebook reaches ${(target * 100).toFixed(1)} % in ${Math.round(values['notebook']?.at(-1) ?? 0)} s`)
      const reached = (/** @type {JobOutcome} */ outcome) => timeTo(outcome, target) !== undefined
      for (const name of ['torchgraft', ...PEERS.filter((peer) => leftOut[peer] === undefined)]) {
        const own = name === 'torchgraft' ? { data, options: { recipe: 'default', epochs: undefined, batchSize: undefined } } : {}
        const outcome = await runJob(context, name, job, { ...own, until: reached }).catch((error) => {
          if (name === 'torchgraft') throw error
          leftOut[name] = /** @type {Error} */ (error).message.trim().split('\n').at(-1) ?? ''
          return undefined
        })
        if (!outcome) continue
        how[name] = name === 'torchgraft' ? `its own recipe, ${outcome.how}` : outcome.how
        const count = outcome.epochs[0]?.count
        if (count !== scored) throw new MismatchError(`time-to-accuracy: ${name} scored ${count ?? 'no'} images and the notebook ${scored}`)
        const seconds = timeTo(outcome, target)
        tell(`time-to-accuracy: ${name} ${seconds === undefined ? `stayed below it in ${outcome.epochs.length} epochs` : `reaches it in ${Math.round(seconds)} s, epoch ${outcome.epochs.length}`}`)
        if (seconds === undefined && name === 'torchgraft') return notReached(context, outcome, target)
        if (seconds === undefined) {
          leftOut[name] = `stayed below it in ${outcome.epochs.length} epochs`
          delete values[name]
        } else (values[name] ??= []).push(seconds)
      }
    }
    const params = {
      batch,
      size: 224,
      accuracy: Number(target.toFixed(4)),
      precision: how['torchgraft']?.split(', ').at(-1) ?? null,
      threads: context.threads,
    }
    const note = 'Its own recipe scores an epoch at the size that it trains at, and predicts at that size. Compiling, and trying which precision is faster, is not counted. An accuracy is that of one seed.'
    const same = [`images scored: ${scored} by each`]
    yield makeRow({ name: 'time-to-accuracy', model: MODEL, unit: 's', better: 'lower', params, how, leftOut, same, note }, values)
  },
}

/** No row, and no silence. @param {Context} context @param {JobOutcome} outcome @param {number} target */
function notReached({ tell }, { epochs }, target) {
  const best = Math.max(...epochs.map(({ top1 }) => top1))
  tell(`time-to-accuracy HAS NO ROW: torchgraft's recipe reached ${(best * 100).toFixed(1)} % in ${epochs.length} epochs, and the notebook's ${(target * 100).toFixed(1)} %`)
}

/** @param {JobOutcome} outcome @param {number} target */
function timeTo({ epochs }, target) {
  return epochs.find(({ top1 }) => top1 >= target)?.at
}

/**
 * The notebook's two sets as folders, for a recipe that would split otherwise. Of the validation set those that the
 * notebook scores: it leaves out a last batch that is not full.
 *
 * @param {Context} context @param {number} batch
 */
async function layOutSides({ data, temporary }, batch) {
  const { openNotebookSides } = await load('recipes/notebook/split.js')
  const { train, val, classes } = await openNotebookSides(data, { val: 0.15 })
  const folder = join(temporary, 'sets')
  const scored = Math.floor(val.length / batch) * batch
  for (const [side, items] of Object.entries({ train: train.items, val: val.items.slice(0, scored) })) {
    for (const [i, { path, label }] of items.entries()) {
      const place = join(folder, side, classes[label], `${i}-${path.split('/').at(-1)}`)
      await mkdir(dirname(place), { recursive: true })
      const from = resolve(data, path)
      await link(from, place).catch(() => copyFile(from, place)) // another file system takes no hard links
    }
  }
  return { data: folder, scored }
}
