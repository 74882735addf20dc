// One call from a folder of images to a model file, then a prediction with it.
import { Classifier, train } from 'torchgraft'

const [data = 'samples/campus', output = 'runs/example'] = process.argv.slice(2)

const { best } = await train({
  data,
  output,
  epochs: 4,
  size: 160,
  onEvent: (event) => {
    if (event.type === 'epoch') console.log(`epoch ${event.epoch}: top-1 ${event.val.top1.toFixed(3)}, loss ${event.val.loss.toFixed(3)}`)
  },
})
console.log(`best is epoch ${best.epoch}`)

const classifier = await Classifier.open(`${output}/${best.file}`)
for await (const { image, predictions } of classifier.predictAll(process.argv.slice(4), { topK: 2 })) {
  console.log(image, predictions.map(({ label, probability }) => `${label} ${probability.toFixed(2)}`).join(', '))
}
await classifier.dispose() // `await using classifier = …` does it by itself, from Node 24 on or where TypeScript compiles it
