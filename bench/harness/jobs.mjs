// Whole trainings, each as a program of its own that tells its steps and epochs as lines of JSON.
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { classesOf } from './inputs.mjs'
import { watchGpuMemory } from './peak-gpu-memory.mjs'
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
 * @property {number} peak bytes of memory: of the GPU, where that is the device
 * @property {import('../types.d.mts').Precision} precision
 * @property {string} how
 */
/**
 * @typedef {object} JobOptions
 * @property {string} [data] torchgraft's, where it is other than the context's
 * @property {object} [options] torchgraft's, beside the notebook's
 * @property {(outcome: JobOutcome) => boolean} [until] when to stop
 * @property {boolean} [watch] its memory, of a GPU too: to ask for that takes a little of its time
 */

/**
 * @param {Context} context
 * @param {string} name torchgraft or a peer
 * @param {Job} job
 * @param {JobOptions} [more]
 * @returns {Promise<JobOutcome>}
 */
export async function runJob(context, name, job, { data = context.data, options = {}, until = () => false, watch = false } = {}) {
  const program = await jobProgram(context, name, job, data, options)
  /** @type {{ epoch: number, loss: number }[]} */
  const steps = []
  /** @type {Epoch[]} */
  const epochs = []
  /** @type {Pick<JobOutcome, 'precision' | 'how'>} */
  let own = { precision: context.device === 'cpu' ? 'fp32' : 'fp16', how: '' }
  if (name === 'notebook') own = { ...own, how: `${own.precision}, contiguous` }
  let preparing = 0
  let peak = 0
  let endWatch = watch && context.device !== 'cpu' ? await watchGpuMemory(context.device, process.env) : () => 0
  const outcome = () => ({ steps, epochs, peak: 0, ...own })
  await runProgram(program, {
    onStart: (pid) => { if (watch && context.device === 'cpu') endWatch = watchMemory(pid) },
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
  const { temporary, threads, root, device } = context
  const output = await mkdtemp(join(temporary, 'job-'))
  if (name === 'torchgraft') {
    const own = { recipe: 'notebook', data, output: join(output, 'run') }
    const all = { ...own, model, weights, epochs, batchSize: batch, threads, device, ...options }
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
  const [precision = '', mode] = await fastestWay(context, model, weights, name === 'compiled')
  const compiled = mode === undefined ? [] : ['--compile', mode]
  return pythonProgram(context, name, ['-m', 'bench.peers.job', ...flags, '--precision', precision, ...compiled])
}

/** @type {Map<string, Promise<readonly string[]>>} */
const ways = new Map()

/**
 * What the tuned peers train faster in, and the compiled ones' mode: tried once, in a process of its own, so that it costs a
 * job neither time nor memory.
 *
 * @param {Context} context @param {string} model @param {string} weights @param {boolean} compiled
 */
function fastestWay(context, model, weights, compiled) {
  const key = `${model} ${compiled}`
  const known = ways.get(key) ?? tryWays(context, model, weights, compiled)
  ways.set(key, known)
  return known
}

/** @param {Context} context @param {string} model @param {string} weights @param {boolean} compiled */
async function tryWays(context, model, weights, compiled) {
  const classes = await classesOf(context)
  const args = [model, weights, String(classes), '32', '224', String(context.threads), ...(compiled ? ['compile'] : [])]
  const { lines } = await runProgram(pythonProgram(context, 'tuned', ['-m', 'bench.peers.precision', ...args]))
  return lines.at(-1)?.split(' ') ?? []
}
