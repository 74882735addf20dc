// Makes what the rows are measured with, and tells where it lies as a line of JSON:   node inputs-child.mjs TASK, as JSON
import { readyImages, startWeights } from '../../../bench/harness/inputs.mjs'

/** Images enough to come round again in the first steps: one that does not learn is found out. */
const BATCHES = 2

const { context, size, source, batches, models } = JSON.parse(process.argv[2] ?? '')
/** @type {Record<number, Awaited<ReturnType<typeof readyImages>>>} */
const ready = {}
for (const batch of batches) ready[batch] = await readyImages(context, { size, source, batch, batches: BATCHES })
const classes = Object.values(ready)[0]?.classes ?? 0
/** @type {Record<string, string>} */
const weights = {}
for (const model of models) weights[model] = await startWeights(context, model, classes)
console.log(JSON.stringify({ ready, weights }))
