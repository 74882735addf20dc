// From a folder to its first batch: index, split, decode. Tells seconds and the peak of its memory as JSON.
// node bench/torchgraft/index-folder.mjs FOLDER BATCH SIZE
import { torchgraft } from './library.mjs'

const [, , folder = '', batch = '', size = ''] = process.argv
const began = performance.now()
const images = await torchgraft.ImageFolder.open(folder)
const indexed = performance.now()
const { train } = images.split({ val: 0.15, seed: 1 })
const split = performance.now()
const loader = new torchgraft.DataLoader(train, {
  batchSize: Number(batch), size: Number(size), transform: torchgraft.trainTransform(), shuffle: true, seed: 1,
})
const { value: first } = await loader.epoch(0).next()
const ended = performance.now()
console.log(JSON.stringify({
  images: images.length,
  classes: images.classes.length,
  inBatch: first?.size,
  seconds: (ended - began) / 1000,
  parts: { index: (indexed - began) / 1000, split: (split - indexed) / 1000, batch: (ended - split) / 1000 },
  megabytes: (process.resourceUsage().maxRSS * 1024) / 1e6,
}))
process.exit()
