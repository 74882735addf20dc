import type { BatchImages } from './batch.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'
import { joinPixels, paddedSize } from './pad-pixels.js'

/** Decoded images that a batch's `pixels` are joined from when they are first read, each in the middle of its black frame. */
interface Sources {
  readonly images: readonly Pixels[]
  joined?: Uint8Array
}

const SOURCES = new WeakMap<object, Sources>()

/** A batch's images whose `pixels` are joined when they are first read: native code takes and pads the images one by one. */
export function lazyPixels(images: readonly Pixels[], pad: ResizeRule['pad'], rest: Omit<BatchImages, 'pixels' | 'shapes'>): BatchImages {
  const sources: Sources = { images }
  const frames = images.map((image) => paddedSize(image, pad))
  const shapes = Int32Array.from(frames.flatMap(({ width, height }) => [height, width]))
  // A property of its own, so that it is there in a copy too.
  const get = (): Uint8Array => (sources.joined ??= joinPixels(images, frames))
  const batch = Object.defineProperty({ shapes, ...rest }, 'pixels', { enumerable: true, get }) as BatchImages
  SOURCES.set(batch, sources)
  return batch
}

/** The images that a batch's `pixels` would be joined from. Once joined, what was joined counts: it may have been written to. */
export function sourcesOf(images: BatchImages): readonly Pixels[] | undefined {
  const sources = SOURCES.get(images)
  return sources?.joined ? undefined : sources?.images
}
