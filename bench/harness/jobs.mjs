// Whole trainings, each as a program of its own that tells its steps and epochs as lines of JSON.
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { classesOf } from './inputs.mjs'
import { watchMemory } from './peak-memory.mjs'
import { runProgram } from './program-run.mjs'
import { nodeProgram, pythonProgram } from './programs.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {{ readonly model: string, readonly weights: string, readonly epochs: number, readonly batch: number }} Job */
/**
 * @typedef {object} Epoch
 * @property {number} epoch
 * @property {number} at seconds since the program's start, its own preparations left out
 * @property {number} seconds
 * @property {number} top1
 * @property {number} count
 */
/**
 * @typedef {object} JobOutcome
 * @property {readonly { readonly epoch: number, readonly loss: number }[]} steps
 * @property {readonly Epoch[]} epochs
 * @property {number} peak bytes of memory
 * @property {'fp32' | 'bf16'} precision
 * @property {string} how
 */
/**
 * @typedef {object} JobOptions
 * @property {string} [data] torchgraft's, where it is other than the context's
 * @property {object} [options] torchgraft's, beside the notebook's
 * @property {(outcome: JobOutcome) => boolean} [until] when to stop
 */

/**
 * @param {Context} context
 * @param {string} name torchgraft or a peer
 * @param {Job} job
 * @param {JobOptions} [more]
 * @returns {Promise<JobOutcome>}
 */
export async function runJob(context, name, job, { data = context.data, options = {}, until = () => false } = {}) {
  const program = await jobProgram(context, name, job, data, options)
  /** @type {{ epoch: number, loss: number }[]} */
  const steps = []
  /** @type {Epoch[]} */
  const epochs = []
  let own = { precision: /** @type {'fp32' | 'bf16'} */ ('fp32'), how: name === 'notebook' ? 'fp32, contiguous' : '' }
  let preparing = 0
  let peak = 0
  let endWatch = () => 0
  const outcome = () => ({ steps, epochs, peak: 0, ...own })
  await runProgram(program, {
    onStart: (pid) => { endWatch = watchMemory(pid) },
    onLine(line, seconds, stop) {
      const event = JSON.parse(line)
      if (event.type === 'prepared') {
        preparing = event.seconds
        own = { precision: event.how.startsWith('bf16') ? 'bf16' : 'fp32', how: event.how }
      }
      if (event.type === 'start') own = { precision: event.precision, how: event.precision }
      if (event.type === 'step') steps.push({ epoch: event.epoch, loss: event.loss })
      if (event.type === 'epoch') epochs.push({ epoch: event.epoch, at: seconds - preparing, seconds: event.seconds, ...scored(event) })
      if ((event.type === 'step' || event.type === 'epoch') && until(outcome())) {
        peak = endWatch()
        stop()
      }
    },
  })
  return { ...outcome(), peak: Math.max(peak, endWatch()) }
}

/** @param {any} event of torchgraft's, or of the notebook's */
function scored({ val, correct, count }) {
  return val ? { top1: val.top1, count: val.count } : { top1: correct / count, count }
}

/** @param {Context} context @param {string} name @param {Job} job @param {string} data @param {object} options */
async function jobProgram(context, name, { model, weights, epochs, batch }, data, options) {
  const { temporary, threads, root } = context
  const output = await mkdtemp(join(temporary, 'job-'))
  if (name === 'torchgraft') {
    const all = { recipe: 'notebook', data, output: join(output, 'run'), model, weights, epochs, batchSize: batch, threads, ...options }
    return nodeProgram(context, 'torchgraft/job.mjs', [JSON.stringify(all)])
  }
  const flags = [
    context.data,
    '--model', model,
    '--weights', weights,
    '--epochs', String(epochs),
    '--batch-size', String(batch),
    '--threads', String(threads),
    '--output', join(output, 'best_model.pth'),
  ]
  if (name === 'notebook') return pythonProgram(context, name, [join(root, 'bench', 'notebook.py'), ...flags])
  const precision = await fastPrecision(context, model, weights)
  const compiled = name === 'compiled' ? ['--compile'] : []
  return pythonProgram(context, name, ['-m', 'bench.peers.job', ...flags, '--precision', precision, ...compiled])
}

/** @type {Map<string, Promise<string>>} */
const precisions = new Map()

/**
 * What the tuned peers train faster in: tried once, in a process of its own, so that it costs a job neither time nor memory.
 *
 * @param {Context} context @param {string} model @param {string} weights
 */
function fastPrecision(context, model, weights) {
  const known = precisions.get(model) ?? tryPrecisions(context, model, weights)
  precisions.set(model, known)
  return known
}

/** @param {Context} context @param {string} model @param {string} weights */
async function tryPrecisions(context, model, weights) {
  const classes = await classesOf(context)
  const args = [model, weights, String(classes), '32', '224', String(context.threads)]
  const { lines } = await runProgram(pythonProgram(context, 'tuned', ['-m', 'bench.peers.precision', ...args]))
  return lines.at(-1) ?? ''
}
