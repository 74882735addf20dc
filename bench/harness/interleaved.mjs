import { checkSameness, MismatchError } from '../report/sameness.mjs'
import { workerProgram } from './programs.mjs'
import { UnavailableError, Worker } from './worker.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Runner} Runner */
/** @typedef {import('../types.d.mts').Facts} Facts */
/** @typedef {import('../types.d.mts').Sample} Sample */

/** @typedef {import('../types.d.mts').Outcome} Outcome */
/** @typedef {import('../types.d.mts').Task} Task */

/**
 * Interleaved runs: the same task for torchgraft and its peers, each in a process of its own that stays up. First each makes
 * itself ready and tells its facts, which are compared; then they run in turn: torchgraft, peer, peer, torchgraft …
 *
 * @param {Context} context
 * @param {Task} of
 * @returns {Promise<Outcome>}
 */
export async function runInterleaved(
  context,
  { title, task, params, peers, repeats, onMismatch, start = (name) => new Worker(workerProgram(context, name)) },
) {
  /** @type {Map<string, Runner>} */
  const running = new Map()
  /** @type {Record<string, Facts>} */
  const facts = {}
  /** @type {Record<string, Sample[]>} */
  const samples = {}
  /** @type {Record<string, string>} */
  const leftOut = {}

  /** @template T @param {string} name @param {() => Promise<T>} work @returns {Promise<T | undefined>} */
  const orSkip = async (name, work) => {
    try {
      return await work()
    } catch (error) {
      const why = /** @type {Error} */ (error).message
      if (name === 'torchgraft') throw new Error(`${title}: torchgraft: ${why}`, { cause: error })
      leftOut[name] = error instanceof UnavailableError ? why : tellingLine(why)
      context.tell(`${title}: ${name} is left out: ${leftOut[name]}`)
      if (why.trim() !== leftOut[name]) context.tell(why)
      await running.get(name)?.close()
      running.delete(name)
      delete samples[name]
      return undefined
    }
  }

  try {
    for (const name of ['torchgraft', ...peers]) {
      const why = context.skip[name]
      if (why !== undefined) {
        leftOut[name] = why
        continue
      }
      const began = performance.now()
      const runner = start(name)
      running.set(name, runner)
      const own = typeof params === 'function' ? params(name) : params
      const told = await orSkip(name, () => runner.begin(task, { device: context.device, ...own }))
      if (!told) continue
      facts[name] = told
      context.tell(`${title}: ${name} is ready (${told.how}), ${((performance.now() - began) / 1000).toFixed(0)} s`)
    }
    const same = compare(title, facts, onMismatch)
    for (const name of running.keys()) samples[name] = []
    for (let i = 0; i < repeats; i++) {
      for (const [name, runner] of [...running]) {
        const sample = await orSkip(name, () => runner.run({ repeat: i }))
        if (sample) samples[name]?.push(sample)
      }
    }
    const how = Object.fromEntries(Object.entries(facts).map(([name, told]) => [name, told.how]))
    return { samples, facts, how, leftOut, same }
  } finally {
    await Promise.all([...running.values()].map((runner) => runner.close()))
  }
}

/** @param {string} title @param {Record<string, Facts>} facts @param {Task['onMismatch']} onMismatch */
function compare(title, facts, onMismatch) {
  try {
    return checkSameness(title, facts)
  } catch (error) {
    if (!(error instanceof MismatchError) || onMismatch === undefined) throw error
    onMismatch(error)
    return []
  }
}

/** Of a Python error's lines the one that names it, not the advice after it. @param {string} why */
export function tellingLine(why) {
  const lines = why.trim().split('\n')
  return lines.findLast((line) => /^[\w.]*(?:Error|Exception|Interrupt)\b/.test(line)) ?? lines.at(-1) ?? ''
}

/** One of the numbers that each run gave. @param {Outcome['samples']} samples @returns {Record<string, number[]>} */
export function valuesOf(samples, key = 'value') {
  return Object.fromEntries(Object.entries(samples).map(([name, list]) => [
    name, list.map((sample) => /** @type {number} */ (sample[key])),
  ]))
}
