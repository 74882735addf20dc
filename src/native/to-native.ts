import type { Batch } from '../data/batch.js'
import { packPlans } from '../data/plan.js'
import { TorchgraftError } from '../errors.js'
import type { NativeError, NativeImages } from './binding.js'

/** A batch as native code takes it. */
export function toNative({ images, size }: Batch): NativeImages {
  if (images.plans.length !== size) throw new TorchgraftError('ERR_BATCH_SHAPE', `Expected ${size} plans, one a picture, but received ${images.plans.length}`)
  const { pixels, shapes, output, mean, std } = images
  return { pixels, shapes, plans: packPlans(images.plans), output, meanStd: Float64Array.of(...mean, ...std) }
}

/** Native errors carry a code but no JavaScript stack, and under jest are of another realm: give them both. */
export async function fromNative<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof TorchgraftError) throw cause
    const { code, message } = cause as NativeError
    throw new TorchgraftError(code, message, { cause })
  }
}
