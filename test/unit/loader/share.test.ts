import { trainTransform } from '../../../src/augment/transforms.js'
import { DataLoader } from '../../../src/loader/data-loader.js'
import type { DataLoaderOptions } from '../../../src/loader/data-loader-options.js'
import { shareOf } from '../../../src/loader/share.js'
import { collect, numberedDataset, numberedLoader } from '../../helpers/loader.js'

test.each([
  [8, 2, [4, 4]],
  [5, 2, [3, 2]],
  [7, 4, [2, 2, 2, 1]],
  [2, 4, [1, 1, 0, 0]],
  [0, 2, [0, 0]],
  [5, 1, [5]],
])('%d images are shared by %d ranks as %j', (count, worldSize, sizes) => {
  const shares = sizes.map((_, rank) => shareOf(count, rank, worldSize))
  expect(shares.map(({ begin, end }) => end - begin)).toEqual(sizes)
  expect(shares.map(({ begin }) => begin)).toEqual(sizes.map((_, rank) => sizes.slice(0, rank).reduce((sum, size) => sum + size, 0)))
})

describe.each([2, 3, 4])('a loader for each of %d ranks', (worldSize) => {
  const options: Partial<DataLoaderOptions> = { batchSize: 12, shuffle: true, seed: 5, transform: trainTransform() }
  const loaders = (length: number): Promise<DataLoader[]> =>
    Promise.all(Array.from({ length: worldSize }, (_, rank) => numberedLoader(length, { ...options, rank, worldSize })))

  test.each([24, 26, 29, 30])('together they give one\'s batches of %d images, with the same plans', async (length) => {
    const whole = await collect((await numberedLoader(length, options)).epoch(3))
    const shares = await Promise.all((await loaders(length)).map((loader) => collect(loader.epoch(3))))
    for (const [step, batch] of whole.entries()) {
      const parts = shares.map((share) => share[step]!)
      expect(parts.flatMap(({ indices }) => [...indices])).toEqual([...batch.indices])
      expect(parts.flatMap(({ labels }) => [...(labels ?? [])])).toEqual([...(batch.labels ?? [])])
      expect(parts.flatMap(({ images }) => images.plans)).toEqual(batch.images.plans)
      expect(Buffer.concat(parts.map(({ images }) => images.pixels))).toEqual(Buffer.from(batch.images.pixels))
      for (const part of parts) expect(part).toMatchObject({ step, whole: batch.indices, images: { output: 8 } })
      const sizes = parts.map(({ size }) => size)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    }
    expect(shares.map((share) => share.length)).toEqual(shares.map(() => whole.length))
  })
})

test('a part without images is a batch of none: the others\' parts have some', async () => {
  const loader = await numberedLoader(1, { rank: 1, worldSize: 2 })
  const [batch] = await collect(loader.epoch(0))
  const images = { pixels: new Uint8Array(0), plans: [], output: 8 }
  expect(batch).toMatchObject({ size: 0, labels: new Int32Array(0), whole: Int32Array.of(0), images })
})

test('a part whose images are all broken is a batch of none, and they are named', async () => {
  const dataset = await numberedDataset(4)
  const broken = { ...dataset, get: async (index: number) => (index < 2 ? { image: Buffer.from('no image'), label: 0 } : dataset.get(index)) }
  const loader = new DataLoader(broken, { batchSize: 4, size: 8, transform: trainTransform(), rank: 0, worldSize: 2 })
  expect(await collect(loader.epoch(0))).toEqual([expect.objectContaining({ size: 0, whole: Int32Array.of(0, 1, 2, 3) })])
  expect(loader.takeSkipped().map(({ index }) => index)).toEqual([0, 1])
})

test.each([[2, 2], [1, 1]])('rank %d of %d is refused', async (rank, worldSize) => {
  await expect(numberedLoader(1, { rank, worldSize })).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: `Expected an integer from 0 to ${worldSize - 1} for rank but received ${rank}` })
})
