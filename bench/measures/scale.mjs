import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { readyImages, startWeights } from '../harness/inputs.mjs'
import { makeImages, whyNoRoom } from '../harness/made-images.mjs'
import { runProgram } from '../harness/program-run.mjs'
import { nodeProgram } from '../harness/programs.mjs'
import { makeRow } from '../report/row.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Row} Row */

const COUNTS = [1000, 100_000, 1_000_000]
const BATCH = 32
const SIZE = 224
const MODEL = 'regnet_y_400mf'
const BATCHES = [8, 128]

/**
 * How it grows: folders of many images, threads, batch sizes.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const scale = {
  names: ['scale'],
  onGpu: [],
  quick: false,
  async *run(context) {
    for (const count of context.quick ? COUNTS.slice(0, 1) : COUNTS) yield* await runImages(context, count)
    const threads = Array.from({ length: Math.floor(Math.log2(context.threads)) + 1 }, (_, i) => 2 ** i)
    for (const each of new Set([...threads, context.threads])) yield runSteps(context, 'threads', { threads: each, batch: BATCH })
    for (const batch of BATCHES) yield runSteps(context, 'batch', { threads: context.threads, batch })
  },
}

/** Index, split, first batch. @param {Context} context @param {number} count @returns {Promise<Row[]>} */
async function runImages(context, count) {
  const folder = join(context.temporary, `made-${count}`)
  const why = await whyNoRoom(context.temporary, count)
  if (why !== undefined) {
    context.tell(`scale: ${count} images are left out: ${why}`)
    return []
  }
  try {
    await mkdir(folder)
    const began = performance.now()
    const bytes = await makeImages(folder, count)
    context.tell(`scale: ${count} images of ${bytes} bytes made in ${Math.round((performance.now() - began) / 1000)} s`)
    /** @type {{ seconds: number[], megabytes: number[], parts: Record<string, number> }} */
    const found = { seconds: [], megabytes: [], parts: {} }
    for (let i = 0; i < context.repeats(count >= 1e6 ? 1 : 3); i++) {
      const { lines } = await runProgram(nodeProgram(context, 'torchgraft/index-folder.mjs', [folder, String(BATCH), String(SIZE)]))
      const told = JSON.parse(lines.join(''))
      if (told.images !== count || told.inBatch !== BATCH) throw new Error(`scale: ${count} images were made, ${told.images} found, ${told.inBatch} in the first batch`)
      found.seconds.push(told.seconds)
      found.megabytes.push(told.megabytes)
      found.parts = told.parts
    }
    const parts = Object.entries(found.parts).map(([part, seconds]) => `${part} ${seconds.toFixed(2)} s`).join(', ')
    const about = {
      name: 'scale',
      model: null,
      better: /** @type {const} */ ('lower'),
      params: { images: count, bytes, batch: BATCH, size: SIZE },
    }
    return [
      makeRow({ ...about, unit: 's', note: `Of the last run: ${parts}. The files were just written: they are in the system’s memory.` }, { torchgraft: found.seconds }),
      makeRow({ ...about, unit: 'MB', note: 'Peak resident set of the process.' }, { torchgraft: found.megabytes }),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Steps a second.
 *
 * @param {Context} context
 * @param {string} by
 * @param {{ readonly threads: number, readonly batch: number }} options
 * @returns {Promise<Row>}
 */
async function runSteps(context, by, { threads, batch }) {
  const { classes, ...ready } = await readyImages(context, { size: SIZE, batch, batches: 2 })
  const weights = await startWeights(context, MODEL, classes)
  const { samples, facts, how, leftOut, same } = await runInterleaved(context, {
    title: `scale ${threads} threads, batch ${batch}`,
    task: 'train-step',
    params: { ...ready, model: MODEL, weights, classes, lr: 1e-3, threads, firstSteps: 2, steps: Math.max(3, Math.round(BATCH / batch)) },
    peers: ['notebook', 'tuned'],
    repeats: context.repeats(2),
  })
  const perSecond = Object.fromEntries(Object.entries(valuesOf(samples)).map(([name, values]) => [
    name, values.map((images) => images / batch),
  ]))
  return makeRow({ name: 'scale', model: MODEL, unit: 'steps/s', better: 'higher', params: { by, threads, batch, size: SIZE, precision: facts['torchgraft']?.precision ?? null }, how, leftOut, same }, perSecond)
}
