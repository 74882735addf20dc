import { setImmediate as nextTurn } from 'node:timers/promises'
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

type Size = Pick<Pixels, 'width' | 'height'>

/** An image's height and width with its padding. */
export function paddedSize({ width, height }: Size, pad: ResizeRule['pad']): Size {
  if (pad === null) return { width, height }
  const { left, top } = squarePadding({ width, height })
  return { width: width + 2 * left, height: height + 2 * top }
}

/** Copies images into one array, with black around those that are padded: in turns, between which the event loop goes on. */
export async function concatPixels(images: readonly Pixels[], pad: ResizeRule['pad']): Promise<ConcatPixels> {
  const sizes = images.map((image) => paddedSize(image, pad))
  const pixels = allocate(sizes.reduce((sum, { width, height }) => sum + width * height * 3, 0))
  let offset = 0
  let sinceTurn = 0
  for (const [i, image] of images.entries()) {
    const size = sizes[i] as Size
    copyCentred(image, size, pixels.subarray(offset))
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

/** Copies an image into the middle of a black frame. */
function copyCentred({ data, width, height }: Pixels, frame: Size, into: Uint8Array): void {
  const left = (frame.width - width) / 2
  const top = (frame.height - height) / 2
  if (left === 0) return into.set(data, top * width * 3)
  const stride = width * 3
  for (let row = 0; row < height; row++) {
    const pixels = data.subarray(row * stride, (row + 1) * stride)
    into.set(pixels, ((top + row) * frame.width + left) * 3)
  }
}

/**
 * Padding on each side that makes a square, rounded down: an odd difference leaves it a pixel short of square, as the notebook's
 * `PadImage` does.
 */
function squarePadding({ width, height }: Size): { readonly left: number; readonly top: number } {
  return { left: Math.max(0, Math.floor((height - width) / 2)), top: Math.max(0, Math.floor((width - height) / 2)) }
}
