import { TorchgraftError } from '../errors.js'
import type { Batch } from './batch.js'
import type { Pixels } from './decode.js'
import type { Plan, Rgb } from './plan.js'

const AS_IT_IS: Plan = { geometry: [1, 0, 0, 0, 1, 0] }

/** A batch to predict: pictures that the scoring rule has brought to their final size, as they are. */
export function evalBatch(pictures: readonly Pixels[], { size, mean, std }: { readonly size: number; readonly mean: Rgb; readonly std: Rgb }): Batch {
  const stride = size * size * 3
  const pixels = new Uint8Array(pictures.length * stride)
  for (const [i, { data, width, height }] of pictures.entries()) {
    if (width !== size || height !== size) throw new TorchgraftError('ERR_BATCH_SHAPE', `Expected pictures of ${size}×${size} pixels but received ${width}×${height}`)
    pixels.set(data, i * stride)
  }
  return {
    size: pictures.length,
    step: 0,
    indices: Int32Array.from(pictures, (_, i) => i),
    images: { pixels, shapes: new Int32Array(pictures.length * 2).fill(size), plans: pictures.map(() => AS_IT_IS), output: size, mean, std },
  }
}
