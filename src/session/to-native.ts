import { types } from 'node:util'
import type { Batch, BatchImages } from '../loader/batch.js'
import { type Sources, sourcesOf } from '../loader/lazy-pixels.js'
import { packPlans, type Plan } from '../augment/plan.js'
import { argumentError, TorchgraftError, type TorchgraftErrorCode } from '../errors.js'
import { plural } from '../text/plural.js'
import type { NativeError, NativeImages } from '../addon/binding.js'

export interface NativeBatch {
  readonly images: NativeImages
  readonly labels: Int32Array | undefined
}

/**
 * A batch as native code takes it. What could be read out of bounds native code checks; here it is the kinds of things.
 *
 * @throws ERR_ARGUMENT for what is no batch; ERR_BATCH_SHAPE where its parts do not fit together
 */
export function toNative(batch: Batch): NativeBatch {
  const { images, size, labels } = asObject(batch, 'batch')
  const { shapes, plans, output, mean, std } = asObject(images, 'batch.images')
  const sources = sourcesOf(images)
  if (!sources && !types.isUint8Array(images.pixels)) throw argumentError('a Uint8Array', 'batch.images.pixels', images.pixels)
  if (!types.isInt32Array(shapes)) throw argumentError('an Int32Array', 'batch.images.shapes', shapes)
  if (labels !== undefined && !types.isInt32Array(labels)) throw argumentError('an Int32Array', 'batch.labels', labels)
  if (!Number.isSafeInteger(output)) throw argumentError('an integer', 'batch.images.output', output)
  if (!Array.isArray(plans)) throw argumentError('an array', 'batch.images.plans', plans)
  if (plans.length !== size) throw new TorchgraftError('ERR_BATCH_SHAPE', `Expected ${plural(size, 'plan')}, one for each image, but received ${plans.length}`)
  for (const [i, plan] of (plans as readonly Plan[]).entries()) checkPlan(plan, `batch.images.plans[${i}]`)
  const meanStd = Float64Array.of(...numbers(mean, 3, 'batch.images.mean'), ...numbers(std, 3, 'batch.images.std'))
  const pixels = sources ? arraysOf(sources.images) : { pixels: images.pixels }
  return { images: { ...pixels, shapes, plans: packPlans(plans), output, meanStd }, labels }
}

function arraysOf(images: Sources['images']): Pick<NativeImages, 'pixels' | 'sizes'> {
  return { pixels: images.map(({ data }) => data), sizes: Int32Array.from(images.flatMap(({ width, height }) => [height, width])) }
}

function checkPlan(plan: Plan, name: string): void {
  const { geometry, snap, border = 'reflect', interpolation = 'bilinear', colour } = asObject(plan, name)
  numbers(geometry, 6, `${name}.geometry`)
  if (border !== 'reflect') numbers(border, 3, `${name}.border`)
  if (interpolation !== 'bilinear' && interpolation !== 'nearest')
    throw argumentError('bilinear or nearest', `${name}.interpolation`, interpolation)
  if (snap !== undefined)
    numbers([asObject(snap, `${name}.snap`).height, snap.width, ...numbers(snap.resize, 6, `${name}.snap.resize`)], 8, `${name}.snap`)
  if (colour !== undefined) numbers(colour, 12, `${name}.colour`)
}

function asObject<T extends Batch | BatchImages | Plan | NonNullable<Plan['snap']>>(value: T, name: string): T {
  if (typeof value === 'object' && (value as T | null) !== null) return value
  throw argumentError('an object', name, value)
}

function numbers(value: readonly number[], length: number, name: string): readonly number[] {
  if (Array.isArray(value) && value.length === length && value.every((number) => typeof number === 'number')) return value
  throw argumentError(plural(length, 'number'), name, value)
}

/** Native errors carry a code but no JavaScript stack, and under jest are of another realm: give them both. */
export async function fromNative<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof TorchgraftError) throw cause
    const { code, message } = cause as Partial<NativeError> & Error
    throw new TorchgraftError(code ?? codeOf(message), message, { cause })
  }
}

/** Of what is refused before it becomes a job: the kind of an argument, or a call at an environment's end. */
function codeOf(message: string): TorchgraftErrorCode {
  return message.startsWith('Expected') ? 'ERR_ARGUMENT' : 'ERR_DISPOSED'
}
