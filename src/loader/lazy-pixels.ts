import type { BatchImages } from './batch.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'
import { joinPixels, paddedSize } from './pad-pixels.js'

/** What images are known by as long as their cache lives: equal keys, equal pixels. */
export interface PixelKeys {
  readonly cache: { readonly disposed: boolean }
  /** One an image. */
  readonly keys: readonly string[]
}

/** Decoded images that a batch's `pixels` are joined from when they are first read, each in the middle of its black frame. */
export interface Sources {
  readonly images: readonly Pixels[]
  /** Absent: they are of this batch alone. */
  readonly known?: PixelKeys | undefined
}

const SOURCES = new WeakMap<object, Sources & { joined?: Uint8Array }>()

/** A batch's images whose `pixels` are joined when they are first read: native code takes and pads the images one by one. */
export function lazyPixels(
  images: readonly Pixels[], pad: ResizeRule['pad'], rest: Omit<BatchImages, 'pixels' | 'shapes'>, known?: PixelKeys,
): BatchImages {
  const sources: Sources & { joined?: Uint8Array } = { images, known }
  const frames = images.map((image) => paddedSize(image, pad))
  const shapes = Int32Array.from(frames.flatMap(({ width, height }) => [height, width]))
  // A property of its own, so that it is there in a copy too.
  const get = (): Uint8Array => (sources.joined ??= joinPixels(images, frames))
  const batch = Object.defineProperty({ shapes, ...rest }, 'pixels', { enumerable: true, get }) as BatchImages
  SOURCES.set(batch, sources)
  return batch
}

/** The images that a batch's `pixels` would be joined from. Once joined, what was joined counts: it may have been written to. */
export function sourcesOf(images: BatchImages): Sources | undefined {
  const sources = SOURCES.get(images)
  return sources?.joined ? undefined : sources
}
