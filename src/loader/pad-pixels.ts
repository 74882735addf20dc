import { paddedSize as paddedToSquare, putCentred } from '../../web/resample/pad.js'
import type { Size } from '../../web/resample/sizes.js'
import { TorchgraftError } from '../errors.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'

/** An image's height and width with its padding. */
export function paddedSize({ width, height }: Size, pad: ResizeRule['pad']): Size {
  return pad === null ? { width, height } : paddedToSquare({ width, height })
}

/** Copies images one after another into one array, each into the middle of its frame, with black around it. @throws ERR_OUT_OF_MEMORY */
export function joinPixels(images: readonly Pixels[], frames: readonly Size[]): Uint8Array {
  const joined = allocate(frames.reduce((sum, { width, height }) => sum + width * height * 3, 0))
  let offset = 0
  for (const [i, image] of images.entries()) {
    const frame = frames[i] as Size
    putCentred(image, frame, joined.subarray(offset))
    offset += frame.width * frame.height * 3
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
