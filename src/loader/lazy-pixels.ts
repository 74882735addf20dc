import type { BatchImages } from './batch.js'
import type { Pixels } from '../images/pixels.js'
import { concatenate } from './concat-pixels.js'

/** The arrays that a batch's `pixels` are joined from when they are first read. */
interface Sources {
  readonly images: readonly Uint8Array[]
  joined?: Uint8Array
}

const SOURCES = new WeakMap<object, Sources>()

/** A batch's images whose `pixels` are joined when they are first read: native code takes the images one by one, without a copy. */
export function lazyPixels(images: readonly Pixels[], rest: Omit<BatchImages, 'pixels' | 'shapes'>): BatchImages {
  const sources: Sources = { images: images.map(({ data }) => data) }
  const shapes = Int32Array.from(images.flatMap(({ width, height }) => [height, width]))
  // A property of its own, so that it is there in a copy too.
  const get = (): Uint8Array => (sources.joined ??= concatenate(sources.images))
  const batch = Object.defineProperty({ shapes, ...rest }, 'pixels', { enumerable: true, get }) as BatchImages
  SOURCES.set(batch, sources)
  return batch
}

/** All pixels of a batch's images, in one array or in several. Once joined it is what was joined: it may have been written to. */
export function sourcesOf(images: BatchImages): Uint8Array | readonly Uint8Array[] {
  const sources = SOURCES.get(images)
  return sources === undefined ? images.pixels : (sources.joined ?? sources.images)
}
