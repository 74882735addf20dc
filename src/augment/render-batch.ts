import type { Batch } from '../loader/batch.js'
import { TorchgraftError } from '../errors.js'
import type { NativeImages, NativeRenderer } from '../addon/binding.js'
import { loadAddon } from '../addon/load.js'
import { fromNative, toNative } from '../session/to-native.js'

/**
 * A batch's images as a model would see them on the CPU: float32, [size, output, output, 3], normalized.
 *
 * @param room is used again where it has the right length: the result of the batch before, which nobody needs any more
 */
export function renderBatch(batch: Batch, room?: Float32Array): Promise<Float32Array> {
  return fromNative(() => renderImages(toNative(batch).images, 'loops', room))
}

/** The same, by any renderer. What is wrong with the images native code tells. */
export async function renderImages(images: NativeImages, renderer: NativeRenderer, room?: Float32Array): Promise<Float32Array> {
  const length = (images.shapes.length / 2) * images.output ** 2 * 3
  const into = room?.length === length ? room : allocate(length)
  await loadAddon().renderBatch(images, renderer, into)
  return into
}

function allocate(length: number): Float32Array {
  try {
    return new Float32Array(length)
  } catch (cause) {
    throw new TorchgraftError('ERR_OUT_OF_MEMORY', `A rendered batch takes ${((length * 4) / 1e9).toFixed(1)} GB, more than can be had. Try a smaller batch size`, { cause })
  }
}

/** Each channel's mean over a batch, then each one's mean of squares, as `torch.mean(images, dim=[0, 2, 3])` gives them. */
export function channelMoments(batch: Batch): Promise<Float32Array> {
  return fromNative(() => loadAddon().channelMoments(toNative(batch).images))
}

/** From those numbers summed over batches in float32: `mean`, then `(squares / batches - mean ** 2) ** 0.5`. */
export function meanStdOf(sums: Float32Array, batches: number): Promise<Float32Array> {
  return fromNative(() => loadAddon().meanStdOf(sums, batches))
}
