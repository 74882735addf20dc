// Whether memory grows: resident memory over many training steps of a small image size, and over sessions that are made
// and disposed of.   node --expose-gc bench/by-hand/memory-growth.mjs [STEPS [SESSIONS]]
import { cpus } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'

const [STEPS, SESSIONS] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 50)]
/** Rows of a table. */
const POINTS = 20
const { DataLoader, evalTransform, Session, trainTransform } = await import(new URL('../../dist/index.js', import.meta.url).href)
const { default: sharp } = await import('sharp')

const SIZE = 32
const images = await Promise.all(Array.from({ length: 16 }, (_, i) => sharp({
  create: { width: 40, height: 40, channels: 3, background: { r: i * 16, g: 90, b: 200 } },
}).png().toBuffer()))
const dataset = { length: images.length, classes: ['a', 'b'], get: async (/** @type {number} */ i) => ({ image: images[i], label: i % 2 }) }
const create = () => Session.create({ model: 'regnet_y_400mf', classes: 2, precision: 'fp32', device: 'cpu', optimizer: { type: 'adamw' } })

/** After what can be collected has been: twice, since what a finalizer frees comes with the next turn. */
async function resident() {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.()
    await nextTurn()
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return [rss, heapUsed, external].map((bytes) => bytes / 1e6)
}

/**
 * @param {string} what
 * @param {number} total
 * @param {(i: number) => Promise<void>} one
 * @returns {Promise<number>} megabytes of growth over the second half
 */
async function curve(what, total, one) {
  console.log(`\n${what.padStart(9)}${['resident', 'heap', 'external'].map((name) => name.padStart(10)).join('')}  MB`)
  let middle = 0
  let last = 0
  for (let i = 0; i <= total; i++) {
    if (i % Math.max(1, Math.ceil(total / POINTS)) === 0) {
      const numbers = await resident()
      last = numbers[0] ?? 0
      if (i * 2 <= total) middle = last
      console.log(`${String(i).padStart(9)}${numbers.map((number) => number.toFixed(1).padStart(10)).join('')}`)
    }
    if (i < total) await one(i)
  }
  console.log(`Second half: ${(last - middle).toFixed(1)} MB.`)
  return last - middle
}

console.log(`${cpus()[0]?.model.trim()}; regnet_y_400mf at ${SIZE} px, batches of 4, fp32`)
const session = await create()
const [train, val] = [
  new DataLoader(dataset, { batchSize: 4, size: SIZE, transform: trainTransform(), shuffle: true }),
  new DataLoader(dataset, { batchSize: 4, size: SIZE, transform: evalTransform() }),
]
/** @type {AsyncGenerator<unknown> | undefined} */
let batches
let epoch = 0
await curve('steps', STEPS, async () => {
  for (;;) {
    const { value, done } = (await batches?.next()) ?? { done: true }
    if (!done) return void (await session.trainStep(value))
    for await (const batch of val.epoch(0)) await session.evalStep(batch) // an epoch's end: it is scored
    batches = train.epoch(epoch++)
  }
})
await Promise.all([session.dispose(), train.dispose()])

await curve('sessions', SESSIONS, async () => {
  const each = await create()
  for await (const batch of val.epoch(0)) await each.trainStep(batch)
  await each.loadStateDict(await each.stateDict())
  await each.dispose()
})
await val.dispose()
