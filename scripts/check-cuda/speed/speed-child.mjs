// One row of torchgraft's:   node speed-child.mjs ROW, as JSON. It tells what it measured as a line of JSON.
import { torchgraft } from '../../../bench/torchgraft/library.mjs'

/** @type {import('../types.d.mts').SpeedTask} */
const task = JSON.parse(process.argv[2] ?? '')
const { model, batch, precision, kernels, device, size, source, classes, threads } = task
const WARM_UP = 6

/**
 * Images of noise, larger than what is trained on: each is cropped and every other one mirrored.
 *
 * @param {number} seed @returns {import('../../../src/index.js').Batch}
 */
function makeBatch(seed) {
  const pixels = new Uint8Array(batch * source * source * 3)
  let state = (seed * 2654435761) >>> 0
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    pixels[i] = state >>> 24
  }
  const scale = (source / size) * 0.8
  const margin = source * 0.1
  const plan = { geometry: /** @type {const} */ ([scale, 0, margin, 0, scale, margin]) }
  const mirrored = { geometry: /** @type {const} */ ([-scale, 0, source - margin, 0, scale, margin]) }
  return {
    size: batch,
    step: 0,
    indices: new Int32Array(batch),
    labels: Int32Array.from({ length: batch }, (_, i) => (i * 7 + seed) % classes),
    images: {
      pixels,
      shapes: new Int32Array(batch * 2).fill(source),
      plans: Array.from({ length: batch }, (_, i) => (i % 2 ? mirrored : plan)),
      output: size,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
  }
}

const session = await torchgraft.Session.create({
  model,
  classes,
  device,
  precision,
  kernels,
  memoryFormat: 'channels_last',
  ...(threads !== undefined && { threads }),
  optimizer: { type: 'adamw', lr: 1e-4 },
})
const batches = [makeBatch(1), makeBatch(2)]
let count = 0
/** @type {number[]} */
const losses = []
async function step() {
  const one = /** @type {import('../../../src/index.js').Batch} */ (batches[count++ % 2])
  const { loss } = await (task.task === 'train' ? session.trainStep(one) : session.evalStep(one))
  losses.push(loss / batch)
}

await step()
const first = (Date.now() - task.startedAt) / 1000
for (let i = 1; i < WARM_UP; i++) await step()
const speeds = []
for (let i = 0; i < task.repeats; i++) {
  const began = performance.now()
  for (let j = 0; j < task.steps; j++) await step()
  speeds.push((task.steps * batch * 1000) / (performance.now() - began))
}
const notes = await session.deviceNotes() // why it could be faster
const how = [session.precision, session.memoryFormat, ...notes].join(', ')
console.log(JSON.stringify({ speeds, first, losses: [losses[0], losses.at(-1)], how }))
await session.dispose()
