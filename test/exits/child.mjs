// A process, or a worker thread, that is busy in one way until it ends in another:  child.mjs MOMENT END DELAY_MS
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'

/** @typedef {{ readonly work: Promise<unknown>, stop(): Promise<void> }} Busy */

const { DataLoader, evalTransform, Session } = await import(new URL('../../dist/index.js', import.meta.url).href)
const [moment = '', end = '', delay = '40'] = process.argv.slice(2)

const create = () => Session.create({ model: 'regnet_y_400mf', classes: 2, precision: 'fp32', device: 'cpu' })
const [size, side] = [8, 64]
const batch = {
  size, step: 0, indices: new Int32Array(size), labels: new Int32Array(size),
  images: {
    pixels: new Uint8Array(size * side * side * 3), shapes: new Int32Array(size * 2).fill(side),
    plans: Array.from({ length: size }, () => ({ geometry: [1, 0, 0, 0, 1, 0] })), output: side, mean: [0, 0, 0], std: [1, 1, 1],
  },
}
const makeImage = () => sharp({ create: { width: 800, height: 800, channels: 3, background: 'red', noise: { type: 'gaussian', mean: 100, sigma: 60 } } }).jpeg().toBuffer()

/** Asks for the same again and again, until what it asks has been disposed of. @param {() => Promise<unknown>} ask */
async function untilDisposed(ask) {
  try {
    for (;;) await ask()
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'ERR_DISPOSED') throw error
  }
}

/** Ways of being busy, each without end. @type {Record<string, () => Promise<Busy>>} */
const MOMENTS = {
  'making a session': async () => {
    let stopped = false
    const work = (async () => {
      while (!stopped) await (await create()).dispose()
    })()
    return { work, stop: async () => void (stopped = true) }
  },
  'a step': async () => {
    const session = await create()
    return { work: untilDisposed(() => session.trainStep(batch)), stop: () => session.dispose() }
  },
  'steps waiting': async () => {
    const session = await create()
    return {
      work: untilDisposed(() => Promise.all(Array.from({ length: 5 }, () => session.trainStep(batch)))),
      stop: () => session.dispose(),
    }
  },
  'loading weights': async () => {
    const session = await create()
    const state = await session.stateDict()
    return { work: untilDisposed(() => session.loadStateDict(state)), stop: () => session.dispose() }
  },
  'decoding': async () => {
    const session = await create() // libtorch is there, and idle
    const image = await makeImage()
    const loader = new DataLoader({ length: 12, classes: ['a', 'b'], get: async () => ({ image, label: 0 }) }, { batchSize: 4, size: 64, transform: evalTransform(), cacheBytes: 0 })
    const work = untilDisposed(async () => {
      const epoch = loader.epoch(0)
      while (!(await epoch.next()).done);
    })
    return { work, stop: async () => void (await Promise.all([loader.dispose(), session.dispose()])) }
  },
}

/** Things that are asked for once by what nobody holds on to. @type {Record<string, () => Promise<unknown>>} */
const UNHELD = {
  'making a session': create,
  'a step': async () => (await create()).trainStep(batch),
  'steps waiting': async () => {
    const session = await create()
    return Promise.all([session.trainStep(batch), session.trainStep(batch)])
  },
  'loading weights': async () => {
    const session = await create()
    return session.loadStateDict(await session.stateDict())
  },
  'decoding': async () => {
    const image = await makeImage()
    return new DataLoader({ length: 4, classes: ['a', 'b'], get: async () => ({ image, label: 0 }) }, { batchSize: 4, size: 64, transform: evalTransform() }).epoch(0).next()
  },
}

/** Ends of a process that is busy. @type {Record<string, (busy: Busy) => unknown>} */
const ENDS = {
  'dispose()': async ({ work, stop }) => {
    await stop()
    await work
  },
  'process.exit': () => process.exit(7),
  'an uncaught error': () => setTimeout(() => {
    throw new Error('thrown on purpose')
  }),
  'an unhandled rejection': () => void Promise.reject(new Error('rejected on purpose')),
  'SIGTERM': () => process.kill(process.pid, 'SIGTERM'),
  'SIGINT': () => process.kill(process.pid, 'SIGINT'),
  'SIGKILL': () => process.kill(process.pid, 'SIGKILL'),
  'a handler of SIGTERM that exits': () => process.on('SIGTERM', () => process.exit(143)) && process.kill(process.pid, 'SIGTERM'),
}

/**
 * Ends of a worker thread that is busy: what this thread does, and the worker's exit code.
 *
 * @type {Record<string, (worker: Worker) => unknown>}
 */
const WORKER_ENDS = {
  'a worker terminated': (worker) => worker.terminate(),
  'a worker that exits': (worker) => worker.postMessage('process.exit'),
  'a worker that throws': (worker) => worker.postMessage('an uncaught error'),
}

async function beBusy() {
  const busy = await /** @type {() => Promise<Busy>} */ (MOMENTS[moment])()
  busy.work.catch(() => {})
  return busy
}

/** Collects garbage, again and again, while what nobody holds is at work. */
async function collectGarbage() {
  const gc = /** @type {() => void} */ (globalThis.gc)
  const all = Array.from({ length: 2 }, () => /** @type {() => Promise<unknown>} */ (UNHELD[moment])())
  let settled = false
  const done = Promise.all(all).finally(() => (settled = true))
  while (!settled) {
    gc()
    await sleep(20)
  }
  await done
  gc()
  await sleep(20)
  gc()
}

if (!isMainThread) {
  const busy = await beBusy()
  parentPort?.on('message', (/** @type {string} */ name) => ENDS[name]?.(busy))
  parentPort?.postMessage('busy')
} else if (end in WORKER_ENDS) {
  const own = await create()
  const worker = new Worker(new URL(import.meta.url), { argv: [moment, 'none'] })
  worker.on('error', () => {})
  await once(worker, 'message')
  await sleep(Number(delay))
  const ended = new Promise((resolve) => worker.once('exit', resolve))
  WORKER_ENDS[end]?.(worker)
  await ended
  console.log(`alive after ${(await own.trainStep(batch)).steps} step`)
} else if (end === 'garbage collection') {
  await collectGarbage()
  console.log('collected')
} else {
  const busy = await beBusy()
  await sleep(Number(delay))
  await ENDS[end]?.(busy)
}
