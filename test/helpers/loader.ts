import sharp from 'sharp'
import type { Dataset } from '../../src/datasets/dataset.js'
import { DataLoader } from '../../src/loader/data-loader.js'
import type { DataLoaderOptions } from '../../src/loader/data-loader-options.js'
import { evalTransform } from '../../src/augment/transforms.js'

/** A PNG of one colour. */
export function oneImage(colour: { r: number; g: number; b: number } = { r: 10, g: 20, b: 30 }, width = 8, height = 8): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: colour } }).png().toBuffer()
}

/** A data set whose image number i is all of red i, with label i mod 2. */
export async function numberedDataset(length: number, side = 8): Promise<Dataset> {
  const images = await Promise.all(Array.from({ length }, (_, i) => oneImage({ r: i, g: 0, b: 0 }, side, side)))
  return { length, classes: ['even', 'odd'], get: async (index) => ({ image: images[index] as Buffer, label: index % 2 }) }
}

export async function numberedLoader(length: number, options: Partial<DataLoaderOptions> = {}): Promise<DataLoader> {
  return new DataLoader(await numberedDataset(length), { batchSize: 4, size: 8, transform: evalTransform(), ...options })
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
