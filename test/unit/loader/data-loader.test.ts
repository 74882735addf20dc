import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataLoader } from '../../../src/loader/data-loader.js'
import type { Dataset } from '../../../src/datasets/dataset.js'
import { evalTransform, trainTransform } from '../../../src/augment/transforms.js'
import { collect, numberedDataset, numberedLoader, oneImage } from '../../helpers/loader.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const BASE = { batchSize: 4, size: 8, transform: evalTransform({ resize: 1 }) }

describe('DataLoader', () => {
  test('a batch holds the pixels, shapes, labels and numbers of its images', async () => {
    const [first, second, third] = await collect((await numberedLoader(10)).epoch(0))
    expect(first).toMatchObject({ size: 4, step: 0, labels: Int32Array.of(0, 1, 0, 1), indices: Int32Array.of(0, 1, 2, 3) })
    expect(first?.images).toMatchObject({ output: 8, shapes: Int32Array.of(8, 8, 8, 8, 8, 8, 8, 8), mean: [0.485, 0.456, 0.406] })
    expect(second?.images.pixels.filter((_, i) => i % 192 === 0)).toEqual(Uint8Array.of(4, 5, 6, 7))
    expect(third).toMatchObject({ size: 2, step: 2 })
  })

  test.each([[10, false, 3], [10, true, 2], [8, true, 2], [3, true, 0], [3, false, 1]])('%d images, dropLast %s: %d batches of 4', async (length, dropLast, batches) => {
    const loader = await numberedLoader(length, { dropLast })
    expect(loader.length).toBe(batches)
    expect(await collect(loader.epoch(0))).toHaveLength(batches)
  })

  test('shuffled, every image comes once an epoch, in an order that seed and epoch decide', async () => {
    const order = async (epoch: number, seed = 7): Promise<number[]> =>
      (await collect((await numberedLoader(11, { shuffle: true, seed })).epoch(epoch))).flatMap(({ indices }) => [...indices])
    expect(await order(0)).toEqual(await order(0))
    expect(await order(1)).not.toEqual(await order(0))
    expect(await order(0, 8)).not.toEqual(await order(0))
    expect((await order(3)).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('an epoch from the middle is the end of the whole one, byte for byte', async () => {
    const loader = await numberedLoader(20, { shuffle: true, transform: trainTransform() })
    const whole = await collect(loader.epoch(2))
    const fresh = await numberedLoader(20, { shuffle: true, transform: trainTransform() })
    expect(await collect(fresh.epoch(2, { from: 3 }))).toEqual(whole.slice(3))
  })

  test('images have the size of their batch, and the crops that they would have at another', async () => {
    const loader = await numberedLoader(4, { size: 8, sizeAt: (epoch) => (epoch === 0 ? 4 : 8), transform: trainTransform() })
    const whole = await numberedLoader(4, { size: 8, transform: trainTransform() })
    const [small, large] = [...(await collect(loader.epoch(0))), ...(await collect(loader.epoch(1)))]
    expect([small?.images.output, large?.images.output]).toEqual([4, 8])
    expect(large?.images.plans).toEqual((await collect(whole.epoch(1)))[0]?.images.plans)
    expect(small?.images.plans).not.toEqual((await collect(whole.epoch(0)))[0]?.images.plans)
  })

  test.each([16, 0, 2.5, Number.NaN])('a size of %s in an epoch, where 8 is the largest, rejects', async (size) => {
    const loader = await numberedLoader(4, { size: 8, sizeAt: () => size })
    await expect(collect(loader.epoch(0))).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringContaining('sizeAt(0, 0)') })
  })

  test('augmentation differs from epoch to epoch, and progress runs with them', async () => {
    const seen: number[] = []
    const transform = Object.assign((_: unknown, random: () => number, progress: number) => {
      seen.push(progress)
      return { geometry: [1, 0, random(), 0, 1, 0] as const }
    }, {})
    const loader = await numberedLoader(2, { transform, epochs: 4 })
    const shift = async (epoch: number): Promise<number | undefined> =>
      (await collect(loader.epoch(epoch)))[0]?.images.plans[0]?.geometry[2]
    expect(await shift(0)).not.toBe(await shift(1))
    expect(seen).toEqual([0, 0, 0.25, 0.25])
  })

  test.each([[1e6, 4], [100, 4], [0, 0]])('with a cache of %d bytes, %d of 4 images outlive their files', async (cacheBytes, kept) => {
    await using folder = await temporaryFolder()
    const file = (i: number): string => join(folder.path, `${i}.png`)
    for (let i = 0; i < 4; i++) await writeFile(file(i), await oneImage())
    const files: Dataset = { length: 4, classes: ['a'], get: async (i) => ({ image: file(i), label: 0 }) }
    await using loader = new DataLoader(files, { ...BASE, cacheBytes })
    expect(await collect(loader.epoch(0))).toMatchObject([{ size: 4 }])
    for (let i = 0; i < 4; i++) await rm(file(i))
    const [again] = await collect(loader.epoch(1))
    expect(again?.size ?? 0).toBe(kept)
  })

  test('images that do not fit in memory come back from the file the same', async () => {
    const small = await numberedLoader(12, { cacheBytes: 500 }) // two images of 192 bytes
    const large = await numberedLoader(12)
    await collect(small.epoch(0))
    expect(await collect(small.epoch(1))).toEqual(await collect(large.epoch(1)))
    await small.dispose()
  })

  test('decodes no further ahead than it was told, and nothing once its epoch is left', async () => {
    const asked = new Set<number>()
    const inner = await numberedDataset(40)
    const loader = new DataLoader({ ...inner, get: (i) => (asked.add(i), inner.get(i)) }, { ...BASE, prefetch: 1 })
    const seen: number[] = []
    for await (const { step } of loader.epoch(0)) {
      seen.push(asked.size)
      if (step === 3) break
    }
    expect(seen).toEqual([8, 12, 16, 20]) // its own batch, and the next: each takes its time, in which others could be asked for
    await collect((await numberedLoader(40)).epoch(0)) // as long as all of them would take
    expect(asked.size).toBe(20)
  })

  describe('broken images', () => {
    const broken = async (bad: ReadonlySet<number>, length = 10): Promise<Dataset> => {
      const inner = await numberedDataset(length)
      return { ...inner, get: async (i) => (bad.has(i) ? { image: Buffer.from('not an image'), label: 0 } : inner.get(i)), name: (i) => `p${i}.jpg` }
    }

    test('are left out of their batch, with nothing in their place, and told of once', async () => {
      const loader = new DataLoader(await broken(new Set([1, 6])), BASE)
      for (const epoch of [0, 1]) {
        const batches = await collect(loader.epoch(epoch))
        expect(batches.map(({ indices }) => [...indices])).toEqual([[0, 2, 3], [4, 5, 7], [8, 9]])
        expect(batches[0]?.images.pixels.length).toBe(3 * 192)
      }
      expect(loader.skipped).toMatchObject([{ index: 1, path: 'p1.jpg', code: 'ERR_IMAGE_DECODE' }, { index: 6, path: 'p6.jpg' }])
    })

    test('takeSkipped gives each image once, when its batch has come, and none that another loader reported', async () => {
      const loader = new DataLoader(await broken(new Set([1, 6])), BASE)
      const taken: number[][] = []
      for await (const batch of loader.epoch(0)) taken[batch.step] = loader.takeSkipped().map(({ index }) => index)
      for await (const batch of loader.epoch(1)) taken[3 + batch.step] = loader.takeSkipped().map(({ index }) => index)
      expect(taken).toEqual([[1], [6], [], [], [], []])
      const another = new DataLoader(await broken(new Set([1, 8])), BASE)
      another.markReported(loader.skipped)
      await collect(another.epoch(0))
      expect(another.takeSkipped()).toMatchObject([{ index: 8 }])
      expect(another.skipped).toMatchObject([{ index: 1 }, { index: 8 }])
    })

    test('a batch that loses all of them is passed over, and the others keep their numbers', async () => {
      const loader = new DataLoader(await broken(new Set([4, 5, 6, 7])), BASE)
      expect((await collect(loader.epoch(0))).map(({ step }) => step)).toEqual([0, 2])
    })

    test('strict, they reject the iteration and not the process', async () => {
      const loader = new DataLoader(await broken(new Set([9])), { ...BASE, strict: true })
      await expect(collect(loader.epoch(0))).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE' })
    })
  })

  test('an abort rejects with its reason, also while an image is waited for, and leaves no listener', async () => {
    const controller = new AbortController()
    const inner = await numberedDataset(8)
    const loader = new DataLoader({ ...inner, get: (i) => (i < 4 ? inner.get(i) : new Promise(() => {})) }, BASE)
    const iterator = loader.epoch(0, { signal: controller.signal })[Symbol.asyncIterator]()
    await iterator.next()
    const waiting = iterator.next()
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(collect((await numberedLoader(4)).epoch(0, { signal: controller.signal }))).rejects.toBe(reason)
  })

  test.each([{ batchSize: 0 }, { size: 1.5 }, { seed: -1 }, { prefetch: -1 }, { cacheBytes: -1 }, { std: [1, 0, 1] as const }, { transform: undefined as never }])('refuses %j', async (options) => {
    const dataset = await numberedDataset(1)
    expect(() => new DataLoader(dataset, { ...BASE, ...options })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }))
  })
})
