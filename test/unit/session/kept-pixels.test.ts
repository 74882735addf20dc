import { type NativeImages, PIXEL_CHUNK } from '../../../src/addon/binding.js'
import { evalTransform } from '../../../src/augment/transforms.js'
import { TorchgraftError } from '../../../src/errors.js'
import type { Batch } from '../../../src/loader/batch.js'
import { DataLoader } from '../../../src/loader/data-loader.js'
import { KeptPixels } from '../../../src/session/kept-pixels.js'
import { collect, numberedDataset, numberedLoader } from '../../helpers/loader.js'

interface Step {
  readonly brought: readonly number[]
  readonly places: readonly number[] | undefined
  readonly labels: readonly number[]
}

/** Native code that remembers which images' pixels it was brought: by their first byte, the image's number. */
class StandIn {
  readonly steps: Step[] = []
  readonly failures: (TorchgraftError | undefined)[] = []
  free = 0
  cleared = 0
  readonly pixels: KeptPixels

  constructor(limit: number | 'auto' = PIXEL_CHUNK, onGpu = false) {
    this.pixels = new KeptPixels({ freeMemory: async () => this.free, clearPixels: async () => void this.cleared++ }, { limit, onGpu })
  }

  run(batch: Batch): Promise<void> {
    return this.pixels.run(batch, async ({ images, labels }) => {
      const failure = this.failures.shift()
      this.steps.push({ brought: broughtBy(images), places: images.places && [...images.places], labels: [...(labels ?? [])] })
      if (failure) throw failure
    })
  }

  brought(): readonly (readonly number[])[] {
    return this.steps.map(({ brought }) => brought)
  }
}

const broughtBy = ({ pixels }: NativeImages): number[] => (pixels as readonly Uint8Array[]).map(([red = -1]) => red)
const outOfMemory = new TorchgraftError('ERR_OUT_OF_MEMORY', 'There is not enough memory')
const BYTES = 8 * 8 * 3

async function opened(limit: number | 'auto' = PIXEL_CHUNK): Promise<StandIn> {
  const session = new StandIn(limit)
  await session.pixels.open()
  return session
}

describe('pixels that stay with a session', () => {
  test('are brought once, by the first batch that has them', async () => {
    const session = await opened()
    await using loader = await numberedLoader(8, { shuffle: true })
    for (const epoch of [0, 1]) for await (const batch of loader.epoch(epoch)) await session.run(batch)
    expect(session.brought().flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(session.brought().map(({ length }) => length)).toEqual([4, 4, 0, 0])
    const placeOf = new Map(session.steps.slice(0, 2).flatMap(({ brought, places }) => brought.map((image, i) => [image, places![i]])))
    const again = (await collect(loader.epoch(1))).map(({ indices }) => [...indices].map((image) => placeOf.get(image)))
    expect(session.steps.slice(2).map(({ places }) => places)).toEqual(again)
  })

  test('are brought each time before it is known how much memory there is', async () => {
    const session = new StandIn()
    await using loader = await numberedLoader(4)
    for (const epoch of [0, 1]) for await (const batch of loader.epoch(epoch)) await session.run(batch)
    expect(session.brought()).toEqual([[0, 1, 2, 3], [0, 1, 2, 3]])
  })

  test.each([['auto', 4 * PIXEL_CHUNK, true], ['auto', 4 * PIXEL_CHUNK - 4, false], [PIXEL_CHUNK, 0, true], [0, 1e12, false]] as const)(
    'are a quarter of what is free, or what was asked for: %s of %d free, stay: %s', async (limit, free, stay) => {
      const session = new StandIn(limit)
      session.free = free
      await session.pixels.open()
      await using loader = await numberedLoader(4)
      for (const epoch of [0, 1]) for await (const batch of loader.epoch(epoch)) await session.run(batch)
      expect(session.brought()[1]).toEqual(stay ? [] : [0, 1, 2, 3])
    },
  )

  test.each([[0, 2], [1e12, 1]])('with %i bytes free on a GPU, 0 where its kernel is missing, two batches of an image bring it %i times, whatever was asked for', async (free, times) => {
    const session = new StandIn(PIXEL_CHUNK, true)
    session.free = free
    await session.pixels.open()
    await using loader = await numberedLoader(1)
    for (const epoch of [0, 1]) for await (const batch of loader.epoch(epoch)) await session.run(batch)
    expect(session.brought().flat()).toHaveLength(times)
  })

  test('an image that is twice in a batch is brought twice, to one place', async () => {
    const session = await opened()
    const dataset = { ...(await numberedDataset(2)), key: () => 'the same' }
    await using loader = new DataLoader(dataset, { batchSize: 2, size: 8, transform: evalTransform() })
    for (const epoch of [0, 1]) for await (const batch of loader.epoch(epoch)) await session.run(batch)
    expect(session.steps.map(({ brought, places }) => [brought.length, places])).toEqual([[2, [0, 0]], [0, [0, 0]]])
  })

  test('two loaders of one data set, which decode by other rules, have places of their own', async () => {
    const session = await opened(2 * PIXEL_CHUNK)
    await using train = await numberedLoader(2)
    await using val = await numberedLoader(2)
    for (const loader of [train, val, train]) for await (const batch of loader.epoch(0)) await session.run(batch)
    expect(session.steps.map(({ places }) => places)).toEqual([[0, BYTES], [PIXEL_CHUNK, PIXEL_CHUNK + BYTES], [0, BYTES]])
    expect(session.brought()).toEqual([[0, 1], [0, 1], []])
  })

  test('a batch whose pixels were looked at brings them all, since they may have been written to', async () => {
    const session = await opened()
    await using loader = await numberedLoader(2)
    await session.run((await collect(loader.epoch(0)))[0]!)
    const [batch] = await collect(loader.epoch(1))
    batch!.images.pixels.fill(9)
    await session.pixels.run(batch!, async ({ images }) => expect(images.pixels).toEqual(new Uint8Array(2 * BYTES).fill(9)))
  })

  test('a step that fails brings its images again', async () => {
    const session = await opened()
    await using loader = await numberedLoader(2)
    const broken = new TorchgraftError('ERR_BATCH_SHAPE', 'Expected labels')
    session.failures.push(broken)
    for await (const batch of loader.epoch(0)) await expect(session.run(batch)).rejects.toBe(broken)
    for await (const batch of loader.epoch(0)) await session.run(batch)
    expect(session.brought()).toEqual([[0, 1], [0, 1]])
    expect(session.cleared).toBe(0)
  })
})

describe('where memory runs out', () => {
  test('what is kept is given up, and the step is run again with all it needs, as it was at the call', async () => {
    const session = await opened()
    await using loader = await numberedLoader(2)
    for await (const batch of loader.epoch(0)) await session.run(batch)
    session.failures.push(outOfMemory)
    for await (const batch of loader.epoch(1)) {
      const step = session.run(batch)
      batch.labels!.fill(7)
      await step
    }
    for await (const batch of loader.epoch(2)) await session.run(batch)
    expect(session.brought()).toEqual([[0, 1], [], [0, 1], [0, 1]])
    expect(session.steps[2]).toMatchObject({ places: undefined, labels: [0, 1] })
    expect(session.cleared).toBe(1)
    expect(session.pixels.notes).toEqual([expect.stringMatching(/travel to the GPU for each step/)])
  })

  test('a step that was asked for meanwhile is run again too, where it relied on what is gone', async () => {
    const session = await opened()
    await using loader = await numberedLoader(4, { batchSize: 2 })
    for await (const batch of loader.epoch(0)) await session.run(batch)
    session.failures.push(outOfMemory, new TorchgraftError('ERR_BATCH_SHAPE', 'Expected the pixels of an image that is not kept'))
    await Promise.all((await collect(loader.epoch(1))).map((batch) => session.run(batch)))
    expect(session.brought().slice(2)).toEqual([[], [], [0, 1], [2, 3]])
    expect(session.cleared).toBe(1)
  })

  test('a step that kept nothing is not run again', async () => {
    const session = new StandIn(0)
    await using loader = await numberedLoader(2)
    session.failures.push(outOfMemory)
    for await (const batch of loader.epoch(0)) await expect(session.run(batch)).rejects.toBe(outOfMemory)
    expect(session.steps).toHaveLength(1)
  })
})
