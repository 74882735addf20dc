import type { Batch } from '../loader/batch.js'
import { TorchgraftError } from '../errors.js'
import type { NativeImages, NativeRenderer } from '../addon/binding.js'
import { loadAddon } from '../addon/load.js'
import { fromNative, toNative } from './to-native.js'

/**
 * A batch's images as a model would see them on the CPU: float32, [size, output, output, 3], normalized.
 *
 * @param out is written to and returned where it has the right length: such as the result of the batch before, once it is done with
 */
export function renderBatch(batch: Batch, out?: Float32Array): Promise<Float32Array> {
  return fromNative(() => renderImages(toNative(batch).images, 'loops', out))
}

/** The same by any renderer, without `fromNative`: rejects with the addon's own errors. */
export async function renderImages(images: NativeImages, renderer: NativeRenderer, out?: Float32Array): Promise<Float32Array> {
  const length = (images.shapes.length / 2) * images.output ** 2 * 3
  const into = out?.length === length ? out : allocate(length)
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

/** [6]: each channel's mean over a batch, then each channel's mean of squares, as `torch.mean(images, dim=[0, 2, 3])` computes them. */
export function channelMoments(batch: Batch): Promise<Float32Array> {
  return fromNative(() => loadAddon().channelMoments(toNative(batch).images))
}

/**
 * [6]: mean and standard deviation of each channel, from `channelMoments` summed over batches in float32: `mean`, then
 * `(squares / batches - mean ** 2) ** 0.5`.
 */
export function meanStdOf(sums: Float32Array, batches: number): Promise<Float32Array> {
  return fromNative(() => loadAddon().meanStdOf(sums, batches))
}
