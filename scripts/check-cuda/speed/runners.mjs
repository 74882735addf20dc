import { workerProgram } from '../../../bench/harness/programs.mjs'
import { Worker } from '../../../bench/harness/worker.mjs'

/** @typedef {import('../types.d.mts').SpeedRow} SpeedRow */
/** @typedef {import('../../../bench/types.d.mts').Runner} Runner */
/** @typedef {import('../../../bench/types.d.mts').Facts} Facts */
/** @typedef {(name: string) => Runner} Start */

/** For one request, in seconds. */
const LIMIT = 60
/** How long the others wait for what torch.compile has not done yet, when all else is ready. */
const PATIENCE = 100

/**
 * Waits no longer than so many seconds for an answer; a worker that is late is ended.
 *
 * @template T @param {Worker} worker @param {Promise<T>} answer @param {number} limit @returns {Promise<T>}
 */
async function within(worker, answer, limit) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      worker.kill()
      reject(new Error(`it gave no answer in ${limit} s and was ended`))
    }, limit * 1000)
  })
  try {
    return await Promise.race([answer, /** @type {Promise<never>} */ (late)])
  } finally {
    clearTimeout(timer)
  }
}

/** @param {Worker} worker @param {() => Promise<void>} close @returns {Runner} */
function limited(worker, close) {
  return {
    begin: (task, params) => within(worker, worker.begin(task, params), LIMIT),
    run: (params) => within(worker, worker.run(params), LIMIT),
    close,
  }
}

/**
 * Starts the sides of rows: torchgraft in a new process each time, as its first step is told of; a peer in one process for all
 * rows, since importing torch takes seconds.
 *
 * @param {import('../../../bench/types.d.mts').Context} bench
 */
export function makeRunners(bench) {
  /** @type {Map<string, Worker>} */
  const shared = new Map()
  return {
    /** @type {Start} */
    start(name) {
      if (name === 'torchgraft') {
        const worker = new Worker(workerProgram(bench, name))
        return limited(worker, () => worker.close())
      }
      const kept = shared.get(name)
      const worker = kept === undefined || kept.hasEnded ? new Worker(workerProgram(bench, name)) : kept
      shared.set(name, worker)
      return limited(worker, async () => {})
    },
    async close() {
      await Promise.all([...shared.values()].map((worker) => worker.close()))
    },
  }
}

/**
 * Begins a row's peer under torch.compile long before it is measured: to compile takes a minute, on the CPU, while other parts
 * run. It holds memory of the GPU while it waits.
 *
 * @param {import('../../../bench/types.d.mts').Context} bench @param {SpeedRow} row @param {object} params
 * @returns {Runner}
 */
export function startCompiled(bench, { name, task }, params) {
  const worker = new Worker(workerProgram(bench, 'compiled'))
  const began = performance.now()
  const facts = worker.begin(task, { device: bench.device, ...params })
  facts.then(
    () => bench.tell(`(torch.compile, ${name}: ready after ${((performance.now() - began) / 1000).toFixed(1)} s, beside other work)`),
    () => {}, // told where it is measured
  )
  return { ...limited(worker, () => worker.close()), begin: () => within(worker, facts, PATIENCE) }
}
