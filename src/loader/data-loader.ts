import { argumentError, TorchgraftError, type TorchgraftErrorCode } from '../errors.js'
import { abortSignal, callback, type Check, checkFields, type Fields, booleanField, withMethods, MEAN, required, numberField, STD, integerField } from '../options/checks.js'
import { abortable } from './abortable.js'
import type { Batch, BatchImages } from './batch.js'
import type { Dataset } from '../datasets/dataset.js'
import { reasonOf } from '../images/decode.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'
import { concatPixels, paddedSize } from './concat-pixels.js'
import { lazyPixels } from './lazy-pixels.js'
import { defaultCacheBytes, PixelCache } from './pixel-cache.js'
import { IMAGENET_MEAN, IMAGENET_STD } from '../augment/normalization.js'
import type { Rgb } from '../augment/plan.js'
import { type Random, random, shuffle } from '../random/sfc32.js'
import type { Transform } from '../augment/transforms.js'

export interface DataLoaderOptions {
  readonly batchSize: number
  /** Height and width of the images in a batch. */
  readonly size: number
  /** Height and width in a batch, by its epoch and its number there, both from 0, where not all are alike: at most `size`, which decides how images are kept. @default `size` */
  readonly sizeAt?: (epoch: number, step: number) => number
  readonly transform: Transform
  /** Of pixels in 0–1. @default ImageNet's */
  readonly mean?: Rgb
  readonly std?: Rgb
  /** Another order each epoch. @default false */
  readonly shuffle?: boolean
  /** Leaves out a last batch that is not full. @default false */
  readonly dropLast?: boolean
  /** Of order and augmentation. @default 0 */
  readonly seed?: number
  /** Where the images' random numbers come from, by epoch, number and place in the epoch. @default a generator that seed, epoch and number decide */
  readonly rngFor?: (epoch: number, index: number, position: number) => Random
  /** For the transform's progress. @default progress stays 0 */
  readonly epochs?: number
  /** Memory for decoded images, beyond which a temporary file takes them; 0 decodes anew each time. @default a quarter of what is free */
  readonly cacheBytes?: number
  /** Batches made ahead of the one in use. @default 2 */
  readonly prefetch?: number
  /** Whether a broken image rejects, instead of being left out of its batch. @default false */
  readonly strict?: boolean
}

const aTransform: Check = (value, name) => {
  if (typeof value !== 'function') throw argumentError('a transform, such as evalTransform(),', name, value)
}
const DATASET = withMethods('a data set', 'get')
const FIELDS: Fields<DataLoaderOptions> = {
  batchSize: required(integerField({ min: 1, max: 65_536 })), size: required(integerField({ min: 1, max: 16_384 })), sizeAt: callback, transform: required(aTransform), mean: MEAN, std: STD, shuffle: booleanField, dropLast: booleanField, seed: integerField({ min: 0 }),
  rngFor: callback, epochs: integerField({ min: 1 }), cacheBytes: numberField({ min: 0 }), prefetch: integerField({ min: 0, max: 64 }), strict: booleanField,
}
export interface EpochOptions {
  /** Batches of the epoch that are left out at its beginning, for a run that goes on. @default 0 */
  readonly from?: number
  readonly signal?: AbortSignal | undefined
}
const EPOCH_FIELDS: Fields<EpochOptions> = { from: integerField({ min: 0 }), signal: abortSignal }

/** A broken image that was left out. */
export interface SkippedImage {
  readonly index: number
  readonly path: string
  readonly code: TorchgraftErrorCode
  readonly message: string
}

interface LoadedImage {
  readonly index: number
  /** In the epoch's order. */
  readonly position: number
  readonly label: number
  readonly pixels: Pixels
}

interface MadeBatch {
  /** Absent where every image of it is broken. */
  readonly batch?: Batch
  readonly broken: readonly SkippedImage[]
}

const AS_IT_IS: ResizeRule = { shorterSide: null, crop: null, antialias: true, pad: null, orient: true, profile: true }
/** Of batches made ahead: those of full-size images are large. */
const AHEAD_BYTES = 512 * 2 ** 20
/** Keys of the two uses of randomness, so that one does not repeat the other. */
const ORDER = 1
const AUGMENTATION = 2

/** Makes batches of a data set: decodes each image once, plans each epoch anew. */
export class DataLoader {
  readonly dataset: Dataset
  readonly batchSize: number
  readonly size: number
  readonly transform: Transform
  readonly mean: Rgb
  readonly std: Rgb
  readonly seed: number
  readonly #options: Required<Pick<DataLoaderOptions, 'shuffle' | 'dropLast' | 'prefetch' | 'strict'>> & { readonly epochs: number | undefined }
  readonly #cache: PixelCache
  readonly #rule: ResizeRule
  readonly #draws: NonNullable<DataLoaderOptions['rngFor']>
  readonly #sizeAt: NonNullable<DataLoaderOptions['sizeAt']>
  readonly #skipped = new Map<number, SkippedImage>()
  readonly #reported = new Set<number>() // by another loader of the data set
  #newlySkipped: SkippedImage[] = []
  #heaviest: number | undefined // bytes of a batch, once there is one

  constructor(dataset: Dataset, options: DataLoaderOptions) {
    DATASET(dataset, 'dataset')
    checkFields<DataLoaderOptions>(options, FIELDS, 'DataLoader')
    const { batchSize, size, transform, mean = IMAGENET_MEAN, std = IMAGENET_STD, seed = 0, epochs, prefetch = 2, shuffle = false, dropLast = false, strict = false } = options
    this.dataset = dataset
    this.batchSize = batchSize
    this.size = size
    this.transform = transform
    this.mean = mean
    this.std = std
    this.seed = seed
    this.#options = { shuffle, dropLast, strict, epochs, prefetch }
    this.#draws = options.rngFor ?? ((epoch, index) => random(seed, epoch, AUGMENTATION, index))
    this.#sizeAt = options.sizeAt ?? (() => size)
    this.#rule = transform.decode?.(size) ?? AS_IT_IS
    this.#cache = new PixelCache(this.#rule, options.cacheBytes ?? defaultCacheBytes())
  }

  /** Batches in an epoch. */
  get length(): number {
    return (this.#options.dropLast ? Math.floor : Math.ceil)(this.dataset.length / this.batchSize)
  }

  /** Broken images met so far, each once, in the order of the batches that lack them. They are left out of their batches, and nothing takes their place. */
  get skipped(): readonly SkippedImage[] {
    return [...this.#skipped.values()]
  }

  /** Of `skipped`, those since the last call, or since the loader was made. */
  takeSkipped(): readonly SkippedImage[] {
    const taken = this.#newlySkipped
    this.#newlySkipped = []
    return taken
  }

  /** Has `takeSkipped` leave out images that another loader of the same data set reported. */
  markReported(images: readonly SkippedImage[]): void {
    for (const image of images) this.#reported.add(image.index)
  }

  /**
   * The batches of an epoch, from 0: the same ones for the same seed and epoch, whatever came before. Images are
   * decoded ahead, no further than `prefetch` batches, and of large images less far.
   *
   * @param options.from skips the batches before it
   * @throws `signal.reason` when aborted; a broken image's error when strict; ERR_DISPOSED
   */
  async *epoch(epoch: number, options: EpochOptions = {}): AsyncGenerator<Batch, void, undefined> {
    integerField({ min: 0 })(epoch, 'epoch')
    checkFields<EpochOptions>(options, EPOCH_FIELDS, 'epoch')
    const { from = 0, signal } = options
    const order = this.#order(epoch)
    const ahead: Promise<MadeBatch>[] = []
    let started = from
    const startUpTo = (count: number): void => {
      while (started < Math.min(count, this.length)) {
        const batch = this.#makeBatch(order, epoch, started++)
        batch.catch(() => {}) // told when its turn comes
        ahead.push(batch)
      }
    }
    for (let step = from; step < this.length; step++) {
      signal?.throwIfAborted()
      startUpTo(step + 1 + this.#ahead())
      const { batch, broken } = await abortable(ahead.shift() as Promise<MadeBatch>, signal)
      startUpTo(step + 1 + this.#ahead()) // the first one's weight is known now
      this.#skip(broken)
      if (batch) yield batch
    }
  }

  /** Lets go of the decoded images. An epoch that is under way rejects with ERR_DISPOSED, soon. */
  dispose(): Promise<void> {
    return this.#cache[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** Batches to make ahead. None before the first one's weight is known. */
  #ahead(): number {
    if (this.#heaviest === undefined) return 0
    return Math.min(this.#options.prefetch, Math.floor(AHEAD_BYTES / this.#heaviest))
  }

  #skip(broken: readonly SkippedImage[]): void {
    for (const image of broken) {
      if (this.#skipped.has(image.index)) continue
      this.#skipped.set(image.index, image)
      if (!this.#reported.has(image.index)) this.#newlySkipped.push(image)
    }
  }

  #order(epoch: number): Uint32Array {
    const order = Uint32Array.from({ length: this.dataset.length }, (_, i) => i)
    return this.#options.shuffle ? shuffle(order, random(this.seed, epoch, ORDER)) : order
  }

  #outputAt(epoch: number, step: number): number {
    const output = this.#sizeAt(epoch, step)
    integerField({ min: 1, max: this.size })(output, `sizeAt(${epoch}, ${step})`)
    return output
  }

  async #makeBatch(order: Uint32Array, epoch: number, step: number): Promise<MadeBatch> {
    const first = step * this.batchSize
    const indices = [...order.subarray(first, first + this.batchSize)]
    const loaded = await Promise.all(indices.map((index, i) => this.#load(index, first + i)))
    const decoded = loaded.filter((image) => 'pixels' in image)
    const broken = loaded.filter((image) => 'code' in image)
    if (decoded.length === 0) return { broken }
    const images = await this.#imagesOf(decoded, epoch, this.#outputAt(epoch, step))
    this.#heaviest = Math.max(this.#heaviest ?? 0, bytesOf(images.shapes))
    const batch: Batch = {
      size: decoded.length,
      step,
      indices: Int32Array.from(decoded, ({ index }) => index),
      labels: Int32Array.from(decoded, ({ label }) => label),
      images,
    }
    return { batch, broken }
  }

  async #imagesOf(images: readonly LoadedImage[], epoch: number, output: number): Promise<BatchImages> {
    const { pad } = this.#rule
    const progress = epoch / (this.#options.epochs ?? Infinity)
    const plans = images.map(({ index, position, pixels }) => this.transform({ ...paddedSize(pixels, pad), output }, this.#draws(epoch, index, position), progress))
    const rest = { plans, output, mean: this.mean, std: this.std }
    const sources = images.map(({ pixels }) => pixels)
    return pad === null ? lazyPixels(sources, rest) : { ...(await concatPixels(sources, pad)), ...rest }
  }

  async #load(index: number, position: number): Promise<LoadedImage | SkippedImage> {
    const { dataset } = this
    try {
      const { image, label } = await dataset.get(index)
      return { index, position, label, pixels: await this.#cache.get(dataset.key?.(index) ?? String(index), image) }
    } catch (error) {
      const broken = error instanceof TorchgraftError && (error.code === 'ERR_IMAGE_DECODE' || error.code === 'ERR_IMAGE_TOO_LARGE')
      if (!broken || this.#options.strict) throw error
      return { index, path: dataset.name?.(index) ?? String(index), code: error.code, message: reasonOf(error) }
    }
  }
}

function bytesOf(shapes: Int32Array): number {
  let bytes = 0
  for (let i = 0; i < shapes.length; i += 2) bytes += (shapes[i] as number) * (shapes[i + 1] as number) * 3
  return bytes
}
