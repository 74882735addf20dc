// Works Node's room of the addon with the session that computes nothing: several environments, steps that are awaited and
// not, disposal, ended workers, garbage. Run by check:tsan, which watches for data races.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

const addon = createRequire(import.meta.url)(join(process.env['TORCHGRAFT_BUILD'] ?? 'build', 'Release', 'torchgraft_stand_in.node'))
const STEPS = 60
const images = {
  pixels: new Uint8Array(4 * 4 * 3 * 2), shapes: Int32Array.of(4, 4, 4, 4),
  plans: new Float64Array(64).map((_, i) => (i % 32 === 0 || i % 32 === 4 ? 1 : 0)), output: 4,
  meanStd: Float64Array.of(0, 0, 0, 1, 1, 1),
}
const labels = Int32Array.of(0, 1)
const create = () => addon.createSession({
  model: 'regnet_y_400mf', classes: 2, device: 'cpu', precision: 'fp32', channelsLast: false, threads: 1, seed: 0, clipNorm: 0, labelSmoothing: 0, freezeBatchNorm: false, scoreInFp32: false, cudnnBenchmark: false,
  optimizer: { type: 'adam', fused: true, beta1: 0.9, beta2: 0.999, eps: 1e-8, groups: [{ lrScale: 1, weightDecay: 0 }] },
  scaler: { initScale: 1, growthFactor: 2, backoffFactor: 0.5, growthInterval: 1 },
  groupOf: Int32Array.of(0), classWeights: new Float32Array(0),
}, [])

async function work() {
  const [a, b] = await Promise.all([create(), create()])
  const pending = []
  for (let i = 0; i < STEPS; i++) {
    pending.push(a.trainStep(images, labels, 0.1, i % 2 === 0), b.evalStep(images, undefined))
    images.pixels.fill(i) // what a batch holds was taken at the call
    if (i % 10 === 0) await Promise.all(pending.splice(0))
    if (i % 15 === 0) {
      const state = new Uint8Array(4000)
      await a.readState('model', state)
      await b.writeState('model', state, Uint8Array.of(1))
    }
    void (await create()).trainStep(images, labels, 0.1, true) // nobody holds it
  }
  await Promise.all(pending)
  const [last, disposal] = [a.trainStep(images, labels, 0.1, true), a.dispose()]
  await Promise.all([last, disposal, b.dispose()])
  await a.trainStep(images, labels, 0.1, true).then(() => Promise.reject(new Error('a step after disposal was taken')), () => {})
}

if (!isMainThread) {
  process.once('exit', () => addon.stop())
  parentPort?.postMessage('begun')
  for (;;) await work()
}
const workers = Array.from({ length: 3 }, () => new Worker(new URL(import.meta.url)))
for (const [i, worker] of workers.entries()) {
  worker.once('message', () => void sleep(200 + 150 * i).then(() => worker.terminate()))
}
const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)))
for (let i = 0; i < 5; i++) {
  await work()
  globalThis.gc?.()
}
await Promise.all(ended)
for (let i = 0; i < 5; i++) void (await create()).trainStep(images, labels, 0.1, true)
process.once('exit', () => addon.stop())
console.log('worked')
process.exit(0) // in the middle of a step
