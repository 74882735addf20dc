// What saving takes from training: the copy of the state, which a step waits for, and how steps fare while the copy is
// hashed, written and brought to disk beside them; with what waiting for all of it would take.
//   node bench/by-hand/saving-cost.mjs [STEPS [MODEL…]]
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const library = await import(new URL('../../dist/index.js', import.meta.url).href)
const { CheckpointStore, DataLoader, evalTransform, fit, ImageFolder, Session, trainTransform } = library
const [steps = '40', ...named] = process.argv.slice(2)
const MODELS = named.length > 0 ? named : ['regnet_y_400mf', 'regnet_y_16gf']
const data = await ImageFolder.open(fileURLToPath(new URL('../../samples/campus', import.meta.url)))
const folder = await mkdtemp(join(tmpdir(), 'torchgraft-bench-'))

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1] ?? NaN
const row = (cells) => cells.map((cell, i) => String(cell).padStart(i === 0 ? 16 : 14)).join('')

const loaders = [trainTransform(), evalTransform()].map((transform) => new DataLoader(data, { batchSize: 2, size: 64, transform }))
for await (const { step } of loaders[0].epoch(0)) if (step === Number(steps) + 3) break // decodes what the steps will take

/** Steps of a session, each with its milliseconds, and whether a copy was taken in it or a file being written during it. */
async function train(session, count, save) {
  const copies = []
  const writes = []
  let [writing, copied, bytes, began] = [0, false, 0, 0]
  const timed = (method) => async () => {
    copied = true
    began = began || performance.now()
    const state = await session[method]()
    if (method === 'trainingState') {
      copies.push(performance.now() - began)
      began = 0
    }
    return state
  }
  const store = await CheckpointStore.open(folder)
  const timedWrite = (method) => async (...args) => {
    const start = performance.now()
    writing++
    const saved = await store[method](...args)
    writing--
    writes.push(performance.now() - start)
    bytes = saved.bytes
    return saved
  }
  const checkpoints = { saveLast: timedWrite('saveLast'), saveBest: timedWrite('saveBest') }
  const { model, device, precision, precisionReason, lr } = session
  const watched = {
    model, device, precision, precisionReason, lr,
    trainStep: (...args) => session.trainStep(...args), evalStep: (batch) => session.evalStep(batch),
    stateDict: timed('stateDict'), trainingState: timed('trainingState'),
  }
  const taken = []
  let last = performance.now()
  const saving = save ? { checkpoints, saveEveryMinutes: 1e-9 } : {}
  for await (const { type } of fit(watched, { train: loaders[0], val: loaders[1], epochs: 1, ...saving })) {
    if (type !== 'step') continue
    const now = performance.now()
    taken.push({ milliseconds: now - last, copied, writing: writing > 0 })
    copied = false
    last = now
    if (taken.length === count) break
  }
  return { steps: taken.slice(3), copies, writes, bytes } // the first ones make libtorch's plans
}

console.log(`${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, fp32, batches of 2 at 64 px, Adam; milliseconds, medians`)
console.log(row(['', 'step', 'copy', 'step beside', 'writing,', 'file,']))
console.log(row(['', '', '(waited for)', 'a write', 'beside', 'MB']))
for (const model of MODELS) {
  const session = await Session.create({ model, classes: 18, device: 'cpu', precision: 'fp32', optimizer: { type: 'adam', lr: 1e-5 } })
  const plain = await train(session, Number(steps), false)
  const saving = await train(session, Number(steps), true)
  const milliseconds = (list) => median(list.map((step) => step.milliseconds)).toFixed(0)
  const beside = saving.steps.filter(({ copied, writing }) => writing && !copied)
  console.log(row([
    model,
    milliseconds(plain.steps),
    median(saving.copies).toFixed(0),
    beside.length > 0 ? milliseconds(beside) : '–',
    median(saving.writes).toFixed(0),
    (saving.bytes / 1e6).toFixed(0),
  ]))
  await session.dispose()
}
await rm(folder, { recursive: true, force: true })
