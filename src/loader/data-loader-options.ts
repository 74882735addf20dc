import type { Rgb } from '../augment/plan.js'
import type { Transform } from '../augment/transforms.js'
import { argumentError } from '../errors.js'
import {
  abortSignal, booleanField, callback, type Check, type Fields, integerField, MEAN, numberField, required, STD, withMethods,
} from '../options/checks.js'
import type { Random } from '../random/sfc32.js'

export interface DataLoaderOptions {
  /** Images in a batch. The last of an epoch may have fewer, and one with broken images has. */
  readonly batchSize: number
  /** Height and width of the images in a batch, in pixels. */
  readonly size: number
  /**
   * Height and width by epoch and step, both from 0, where batches differ: at most `size`, which decides how images are kept.
   * @default `size`
   */
  readonly sizeAt?: (epoch: number, step: number) => number
  readonly transform: Transform
  /** Taken from each channel of pixels in 0–1, which `std` then divides. @default ImageNet's */
  readonly mean?: Rgb
  readonly std?: Rgb
  /** Another order each epoch. @default false */
  readonly shuffle?: boolean
  /** Leaves out a last batch that is not full. @default false */
  readonly dropLast?: boolean
  /** Of order and augmentation. @default 0 */
  readonly seed?: number
  /**
   * The generator that an image's transform draws from, by epoch, number in the data set and position in the epoch's order.
   * @default one keyed by seed, epoch and number
   */
  readonly rngFor?: (epoch: number, index: number, position: number) => Random
  /** For the transform's progress: epoch / epochs. @default progress stays 0 */
  readonly epochs?: number
  /** Memory for decoded images, beyond which a temporary file takes them; 0 decodes anew each time. @default a quarter of what is free */
  readonly cacheBytes?: number
  /** Batches made ahead of the one in use. @default 2 */
  readonly prefetch?: number
  /** Whether a broken image rejects, instead of being left out of its batch. @default false */
  readonly strict?: boolean
  /**
   * Of `worldSize` processes that train together, the one that this loader is for: it gives that one's part of each batch, which may be
   * empty. `batchSize` is the whole batch's.
   * @default 0
   */
  readonly rank?: number
  /** Processes that share each batch: contiguous parts of it, in the order of their ranks, as even as can be. @default 1 */
  readonly worldSize?: number
}

const aTransform: Check = (value, name) => {
  if (typeof value !== 'function') throw argumentError('a transform, such as evalTransform(),', name, value)
}

export const DATASET = withMethods('a data set', 'get')
export const DATA_LOADER_FIELDS: Fields<DataLoaderOptions> = {
  batchSize: required(integerField({ min: 1, max: 65_536 })),
  size: required(integerField({ min: 1, max: 16_384 })),
  sizeAt: callback,
  transform: required(aTransform),
  mean: MEAN,
  std: STD,
  shuffle: booleanField,
  dropLast: booleanField,
  seed: integerField({ min: 0 }),
  rngFor: callback,
  epochs: integerField({ min: 1 }),
  cacheBytes: numberField({ min: 0 }),
  prefetch: integerField({ min: 0, max: 64 }),
  strict: booleanField,
  rank: integerField({ min: 0 }),
  worldSize: integerField({ min: 1 }),
}

export interface EpochOptions {
  /** Batches of the epoch that are left out at its beginning, for a run that goes on. @default 0 */
  readonly from?: number
  readonly signal?: AbortSignal | undefined
}

export const EPOCH_FIELDS: Fields<EpochOptions> = { from: integerField({ min: 0 }), signal: abortSignal }
