// The parts by themselves: images → batches → session, in a loop of your own.
import {
  AverageMeter, DataLoader, evalTransform, evaluate, ImageFolder, readSafetensors, Session, trainTransform, warmupCosine,
} from 'torchgraft'

const [data = 'samples/campus', epochs = '4', size = '160'] = process.argv.slice(2)

const images = await ImageFolder.open(data)
const { train, val } = images.split({ val: 0.15, seed: 1 })
const loading = { batchSize: 32, size: Number(size), shuffle: true, dropLast: true, seed: 1 }
const trainLoader = new DataLoader(train, { ...loading, transform: trainTransform() })
const valLoader = new DataLoader(val, { batchSize: 64, size: Number(size), transform: evalTransform() })

const session = await Session.create({
  model: 'regnet_y_400mf',
  classes: images.classes.length,
  optimizer: { type: 'adamw', lr: 1e-3, weightDecay: 0.02, groups: [{ match: /^fc\./, lrScale: 2 }] },
  loss: { labelSmoothing: 0.1 },
})
const { tensors } = await readSafetensors('weights/regnet_y_400mf-tiny-imagenet.safetensors')
await session.loadStateDict(tensors, { strict: false }) // the head stays new: its classes are others

const schedule = warmupCosine({ lr: 1e-3, steps: trainLoader.length * Number(epochs), warmup: trainLoader.length })
for (let epoch = 0, step = 0; epoch < Number(epochs); epoch++) {
  const loss = new AverageMeter()
  for await (const batch of trainLoader.epoch(epoch)) {
    const sums = await session.trainStep(batch, { lr: schedule(step++) }) // forward, loss, backward, AdamW
    loss.update(sums.loss / sums.images, sums.images)
  }
  const { top1 } = await evaluate(session, valLoader)
  console.log(`epoch ${epoch + 1}: training loss ${loss.average.toFixed(3)}, validation top-1 ${top1.toFixed(3)}`)
}
await Promise.all([session.dispose(), trainLoader.dispose(), valLoader.dispose()])
