import { setImmediate as nextTurn } from 'node:timers/promises'
import { paddedSize as paddedToSquare, putCentred } from '../../web/resample/pad.js'
import type { Size } from '../../web/resample/sizes.js'
import { TorchgraftError } from '../errors.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'

/** Bytes copied between two turns of the event loop: well under a millisecond. */
const COPY_CHUNK = 1 << 20

export interface ConcatPixels {
  /** Sources one after another, uint8, height × width × 3 each. */
  readonly pixels: Uint8Array
  /** [images, 2]: height and width of each source. */
  readonly shapes: Int32Array
}

/** An image's height and width with its padding. */
export function paddedSize({ width, height }: Size, pad: ResizeRule['pad']): Size {
  return pad === null ? { width, height } : paddedToSquare({ width, height })
}

/** Copies images into one array, with black around those that are padded: in turns, between which the event loop goes on. */
export async function concatPixels(images: readonly Pixels[], pad: ResizeRule['pad']): Promise<ConcatPixels> {
  const sizes = images.map((image) => paddedSize(image, pad))
  const pixels = allocate(sizes.reduce((sum, { width, height }) => sum + width * height * 3, 0))
  let offset = 0
  let sinceTurn = 0
  for (const [i, image] of images.entries()) {
    const size = sizes[i] as Size
    putCentred(image, size, pixels.subarray(offset))
    offset += size.width * size.height * 3
    if ((sinceTurn += image.data.length) < COPY_CHUNK) continue
    sinceTurn = 0
    await nextTurn()
  }
  return { pixels, shapes: Int32Array.from(sizes.flatMap(({ width, height }) => [height, width])) }
}

/** All arrays in one, one after another. @throws ERR_OUT_OF_MEMORY */
export function concatenate(images: readonly Uint8Array[]): Uint8Array {
  const joined = allocate(images.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const image of images) {
    joined.set(image, offset)
    offset += image.length
  }
  return joined
}

function allocate(bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    const size = `${(bytes / 1e9).toFixed(1)} GB`
    const message = `The images of a batch take ${size}, more than can be had. Try a smaller batch size, or smaller images`
    throw new TorchgraftError('ERR_OUT_OF_MEMORY', message, { cause })
  }
}
