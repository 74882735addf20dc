import { IMAGENET_MEAN, IMAGENET_STD } from '../augment/normalization.js'
import type { Rgb } from '../augment/plan.js'
import { FULL_SIZE, type Transform } from '../augment/transforms.js'
import type { Dataset } from '../datasets/dataset.js'
import type { TorchgraftErrorCode } from '../errors.js'
import { reasonOf } from '../images/decode.js'
import { checkFields, integerField } from '../options/checks.js'
import { type Random, random, shuffle } from '../random/sfc32.js'
import { abortable } from './abortable.js'
import type { Batch, BatchImages } from './batch.js'
import { BatchMaker, type BrokenImage, type MadeBatch } from './batch-maker.js'
import { DATA_LOADER_FIELDS, type DataLoaderOptions, DATASET, EPOCH_FIELDS, type EpochOptions } from './data-loader-options.js'
import { defaultCacheBytes, PixelCache } from './pixel-cache.js'
import { shareOf } from './share.js'

/** A broken image that was left out. */
export interface SkippedImage {
  /** In the data set. */
  readonly index: number
  readonly path: string
  readonly code: TorchgraftErrorCode
  readonly message: string
}

/** The most bytes of batches made ahead: those of full-size images are large. */
const AHEAD_BYTES = 512 * 2 ** 20
/** Keys of the two uses of randomness, so that one does not repeat the other. */
const ORDER = 1
const AUGMENTATION = 2

/**
 * Batches of a data set, epoch by epoch, as `torch.utils.data.DataLoader` makes them. Each image is decoded once and kept; its
 * augmentation is planned anew each epoch, and done by the session.
 */
export class DataLoader {
  readonly dataset: Dataset
  readonly batchSize: number
  readonly size: number
  readonly transform: Transform
  readonly mean: Rgb
  readonly std: Rgb
  readonly seed: number
  readonly #options: Required<Pick<DataLoaderOptions, 'shuffle' | 'dropLast' | 'prefetch' | 'sizeAt' | 'rank' | 'worldSize'>>
  readonly #cache: PixelCache
  readonly #maker: BatchMaker
  readonly #skipped = new Map<number, SkippedImage>()
  readonly #reported = new Set<number>() // by another loader of the data set
  #newlySkipped: SkippedImage[] = []
  #largestBatch: number | undefined // bytes, once there is one

  constructor(dataset: Dataset, options: DataLoaderOptions) {
    DATASET(dataset, 'dataset')
    checkFields<DataLoaderOptions>(options, DATA_LOADER_FIELDS, 'DataLoader')
    const { batchSize, size, transform, mean = IMAGENET_MEAN, std = IMAGENET_STD, seed = 0, epochs, strict = false } = options
    const { shuffle = false, dropLast = false, prefetch = 2, sizeAt = () => size, cacheBytes = defaultCacheBytes() } = options
    const { rngFor = (epoch: number, index: number): Random => random(seed, epoch, AUGMENTATION, index), rank = 0, worldSize = 1 } = options
    integerField({ min: 0, max: worldSize - 1 })(rank, 'rank')
    this.dataset = dataset
    this.batchSize = batchSize
    this.size = size
    this.transform = transform
    this.mean = mean
    this.std = std
    this.seed = seed
    this.#options = { shuffle, dropLast, prefetch, sizeAt, rank, worldSize }
    const rule = transform.decode?.(size) ?? FULL_SIZE
    const cache = new PixelCache(rule, cacheBytes)
    this.#cache = cache
    const outputAt = (epoch: number, step: number): number => this.#outputAt(epoch, step)
    const keepEmpty = worldSize > 1 // the others' parts may not be empty
    this.#maker = new BatchMaker({ dataset, cache, rule, transform, mean, std, epochs, strict, keepEmpty, rngFor, outputAt })
  }

  /** Batches in an epoch. */
  get length(): number {
    return (this.#options.dropLast ? Math.floor : Math.ceil)(this.dataset.length / this.batchSize)
  }

  /**
   * Broken images so far, each once, in the order of the batches that lack them. They are left out of their batches, and
   * nothing takes their place.
   */
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
   * The batches of an epoch, from 0: the same ones for the same seed and epoch, whatever came before. Each holds up to `batchSize`
   * sources (uint8, height × width × 3, of their own sizes), labels and numbers in the data set (int32, [size]), and a plan an
   * image, by which the session renders [size, 3, output, output], normalized. Batches whose images are all broken are missing,
   * or have no image where several processes share them.
   *
   * Images are decoded ahead, no further than `prefetch` batches, and of large images less far.
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
        batch.catch(() => {}) // its error is thrown when its turn comes
        ahead.push(batch)
      }
    }
    for (let step = from; step < this.length; step++) {
      signal?.throwIfAborted()
      startUpTo(step + 1 + this.#batchesAhead())
      const { batch, broken } = await abortable(ahead.shift() as Promise<MadeBatch>, signal)
      startUpTo(step + 1 + this.#batchesAhead()) // a batch's bytes are known from the first one on
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

  /** How many batches to make ahead. None before it is known how large they are. */
  #batchesAhead(): number {
    if (this.#largestBatch === undefined) return 0
    return Math.min(this.#options.prefetch, Math.floor(AHEAD_BYTES / this.#largestBatch))
  }

  #order(epoch: number): Uint32Array {
    const order = Uint32Array.from({ length: this.dataset.length }, (_, i) => i)
    return this.#options.shuffle ? shuffle(order, random(this.seed, epoch, ORDER)) : order
  }

  #outputAt(epoch: number, step: number): number {
    const output = this.#options.sizeAt(epoch, step)
    integerField({ min: 1, max: this.size })(output, `sizeAt(${epoch}, ${step})`)
    return output
  }

  async #makeBatch(order: Uint32Array, epoch: number, step: number): Promise<MadeBatch> {
    const { rank, worldSize } = this.#options
    const first = step * this.batchSize
    const whole = order.subarray(first, first + this.batchSize)
    const { begin, end } = shareOf(whole.length, rank, worldSize)
    const made = await this.#maker.make(whole.subarray(begin, end), { epoch, step, position: first + begin })
    if (!made.batch) return made
    this.#largestBatch = Math.max(this.#largestBatch ?? 0, bytesOf(made.batch.images))
    return worldSize === 1 ? made : { ...made, batch: { ...made.batch, whole: Int32Array.from(whole) } }
  }

  #skip(broken: readonly BrokenImage[]): void {
    for (const { index, error } of broken) {
      if (this.#skipped.has(index)) continue
      const path = this.dataset.name?.(index) ?? String(index)
      const image: SkippedImage = { index, path, code: error.code, message: reasonOf(error) }
      this.#skipped.set(index, image)
      if (!this.#reported.has(index)) this.#newlySkipped.push(image)
    }
  }
}

function bytesOf({ shapes }: BatchImages): number {
  let bytes = 0
  for (let i = 0; i < shapes.length; i += 2) bytes += (shapes[i] as number) * (shapes[i + 1] as number) * 3
  return bytes
}
