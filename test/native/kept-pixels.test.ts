import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { IMAGENET_MEAN, IMAGENET_STD } from '../../src/augment/normalization.js'
import { PIXEL_CHUNK } from '../../src/addon/binding.js'
import { evalTransform } from '../../src/augment/transforms.js'
import { DataLoader } from '../../src/loader/data-loader.js'
import type { RecipeName } from '../../src/recipes/options.js'
import { Session } from '../../src/session/session.js'
import type { SessionOptions } from '../../src/session/options.js'
import { evaluate } from '../../src/train/evaluate.js'
import { openTraining, sessionOptionsOf } from '../../src/train/open-training.js'
import { resolveOptions } from '../../src/train/options/resolve.js'
import { numberedDataset, numberedLoader } from '../helpers/loader.js'
import { ROOT } from '../helpers/processes/child.js'

const CPU = { device: 'cpu', precision: 'fp32', threads: 1 } as const
const IMAGES = Array.from({ length: 12 }, (_, i) => 20 * i)

async function hashOf(session: Session): Promise<string> {
  const hash = createHash('sha256')
  for (const state of [await session.stateDict(), await session.trainingState()])
    for (const [name, { data }] of state) hash.update(name).update(data)
  return hash.digest('hex')
}

/** Trains by a recipe on twelve images, scores eight after each epoch, and tells all that came of it. */
async function outcome(
  recipeName: RecipeName, epochs: number, cacheBytes: number, resumeAt?: { readonly epoch: number; readonly step: number },
) {
  const data = join(ROOT, 'samples', 'campus')
  const resolved = resolveOptions({ data, recipe: recipeName, epochs, size: 96, batchSize: 4, weights: null, seed: 5 })
  const { recipe, sets } = await openTraining(data, resolved)
  const [train, val] = [sets.train.subset(IMAGES), sets.val.subset(IMAGES.slice(0, 8).map((i) => i / 4))]
  const get = train.get.bind(train)
  train.get = async (index) => (index === 3 ? { ...(await get(index)), image: Buffer.from('broken') } : get(index))
  await using loaders = recipe.loaders(resolved, { train, val }, { mean: IMAGENET_MEAN, std: IMAGENET_STD })
  const options = { ...sessionOptionsOf({ recipe, resolved, sets }), ...CPU, cacheBytes }
  let session = await Session.create(options)
  const told: unknown[] = []
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const batch of loaders.train.epoch(epoch)) {
      told.push(batch.size, batch.images.output, await session.trainStep(batch))
      if (epoch === resumeAt?.epoch && batch.step === resumeAt.step) session = await resumed(session, options)
    }
    told.push(await evaluate(session, loaders.val.at(epoch)))
  }
  told.push(await hashOf(session))
  await session.dispose()
  return told
}

async function resumed(session: Session, options: SessionOptions): Promise<Session> {
  const next = await Session.create(options)
  await next.loadStateDict(await session.stateDict())
  await next.loadTrainingState(await session.trainingState())
  await session.dispose()
  return next
}

describe.each<[RecipeName, number, readonly number[]]>([
  ['default', 4, [96, 64, 96]], ['notebook', 2, [96]],
])('the recipe %s, %i epochs, with an image that is broken', (recipe, epochs, sizes) => {
  test(`trains and scores the same, bit for bit, whether pixels stay with the session or come each time, at sizes ${sizes.join(', ')}`, async () => {
    const plain = await outcome(recipe, epochs, 0)
    const outputs = plain.filter((told, i) => typeof told === 'number' && typeof plain[i + 1] === 'object')
    expect(outputs.filter((output, i) => output !== outputs[i - 1])).toEqual(sizes)
    expect(plain).toContain(3) // a batch without the broken one
    expect(await outcome(recipe, epochs, 8 * PIXEL_CHUNK)).toEqual(plain)
    expect(await outcome(recipe, epochs, 8 * PIXEL_CHUNK, { epoch: 1, step: 1 })).toEqual(plain)
  }, 240_000)
})

test('where not all fit, the others come each time, and the session’s notes say so', async () => {
  const large = 4096 // 50 MB: one for a chunk
  const options = { batchSize: 3, size: large, sizeAt: () => 32, transform: evalTransform({ resize: 1 }) }
  await using loader = new DataLoader(await numberedDataset(3, large), options)
  const hashes = []
  for (const cacheBytes of [0, 2 * PIXEL_CHUNK]) {
    await using session = await Session.create({ model: 'regnet_y_400mf', classes: 2, ...CPU, cacheBytes })
    for (const epoch of [0, 1, 2]) for await (const batch of loader.epoch(epoch)) await session.trainStep(batch)
    hashes.push(await hashOf(session))
    expect(await session.deviceNotes()).toEqual(cacheBytes === 0 ? [] : [expect.stringMatching(/^Of 3 images 2 stay in the GPU’s memory/)])
  }
  expect(hashes[1]).toBe(hashes[0])
}, 120_000)

test('what scoring brought serves training, and two sessions keep their own', async () => {
  await using loader = await numberedLoader(4, { batchSize: 2 })
  const options = { model: 'regnet_y_400mf', classes: 2, ...CPU, seed: 3 } as const
  await using plain = await Session.create(options)
  await using one = await Session.create({ ...options, cacheBytes: PIXEL_CHUNK })
  await using other = await Session.create({ ...options, cacheBytes: PIXEL_CHUNK })
  for (const session of [plain, one, other]) {
    for await (const batch of loader.epoch(0)) {
      await session.trainStep(batch)
      break // what is kept begins after it
    }
  }
  for (const session of [plain, one, other]) await evaluate(session, loader)
  for (const session of [other, one, plain]) for await (const batch of loader.epoch(1)) await session.trainStep(batch)
  expect([await hashOf(one), await hashOf(other)]).toEqual(Array(2).fill(await hashOf(plain)))
}, 120_000)
