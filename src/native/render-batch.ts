import type { Batch } from '../data/batch.js'
import { loadAddon } from './load-addon.js'
import { fromNative, toNative } from './to-native.js'

/** A batch's pictures as a model would see them on the CPU: float32, [size, output, output, 3], normalized. */
export function renderBatch(batch: Batch): Promise<Float32Array> {
  return fromNative(() => loadAddon().renderBatch(toNative(batch).images, 'loops'))
}

/** Each channel's mean over a batch, then each one's mean of squares, as `torch.mean(images, dim=[0, 2, 3])` gives them. */
export function channelMoments(batch: Batch): Promise<Float32Array> {
  return fromNative(() => loadAddon().channelMoments(toNative(batch).images))
}

/** From those numbers summed over batches in float32: `mean`, then `(squares / batches - mean ** 2) ** 0.5`. */
export function meanStdOf(sums: Float32Array, batches: number): Promise<Float32Array> {
  return fromNative(() => loadAddon().meanStdOf(sums, batches))
}
