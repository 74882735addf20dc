import type { Batch } from '../data/batch.js'
import { loadAddon } from './load-addon.js'
import { fromNative, toNative } from './to-native.js'

/** A batch's pictures as a model would see them on the CPU: float32, [size, output, output, 3], normalized. */
export function renderBatch(batch: Batch): Promise<Float32Array> {
  return fromNative(() => loadAddon().renderBatch(toNative(batch), 'loops'))
}
