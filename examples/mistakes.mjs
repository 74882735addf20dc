// Which validation images a model gets wrong, the surest mistakes first: node examples/mistakes.mjs runs/flowers
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Classifier } from 'torchgraft'

const [run = 'runs/campus'] = process.argv.slice(2)
const read = async (/** @type {string} */ name) => JSON.parse(await readFile(join(run, name), 'utf8'))
const { data } = await read('config.json')
const { val } = await read('split.json')

const labels = new Map(val.map((/** @type {{ path: string, label: string }} */ { path, label }) => [join(data, path), label]))
const classifier = await Classifier.open(run)
const mistakes = []
for await (const { image, predictions: [top] } of classifier.predictAll(labels.keys(), { topK: 1 })) {
  const label = labels.get(image)
  if (top && top.label !== label) mistakes.push({ image, label, taken: top.label, probability: top.probability })
}
await classifier.dispose()

for (const { image, label, taken, probability } of mistakes.sort((a, b) => b.probability - a.probability)) {
  console.log(`${image}  is ${label}, taken for ${taken} (${(100 * probability).toFixed(1)} %)`)
}
console.log(`${mistakes.length} of ${labels.size} are wrong`)
