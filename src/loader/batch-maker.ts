import { lazyPixels } from './lazy-pixels.js'
import { paddedSize } from './pad-pixels.js'
import type { PixelCache } from './pixel-cache.js'
import type { Batch, BatchImages } from './batch.js'
import type { Rgb } from '../augment/plan.js'
import type { Transform } from '../augment/transforms.js'
import type { Dataset } from '../datasets/dataset.js'
import { TorchgraftError } from '../errors.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'
import type { Random } from '../random/sfc32.js'

export interface BatchMakerOptions {
  readonly dataset: Dataset
  readonly cache: PixelCache
  /** What the cache decodes by. */
  readonly rule: ResizeRule
  readonly transform: Transform
  readonly mean: Rgb
  readonly std: Rgb
  /** The epoch after the last: for the transform's progress. */
  readonly epochs: number | undefined
  readonly strict: boolean
  /** Makes a batch without images too, where all are broken or none is wanted. */
  readonly keepEmpty: boolean
  readonly rngFor: (epoch: number, index: number, position: number) => Random
  /** Output height and width of a batch. */
  readonly outputAt: (epoch: number, step: number) => number
}

/** A batch's place in training. */
export interface BatchPlace {
  readonly epoch: number
  /** The batch's number in the epoch. */
  readonly step: number
  /** Of its first image in the epoch's order. */
  readonly position: number
}

export interface MadeBatch {
  /** Absent where every image of it is broken. */
  readonly batch?: Batch
  readonly broken: readonly BrokenImage[]
}

/** An image that cannot be decoded. */
export interface BrokenImage {
  readonly index: number
  readonly error: TorchgraftError
}

interface LoadedImage {
  readonly index: number
  readonly key: string
  /** In the epoch's order. */
  readonly position: number
  readonly label: number
  readonly pixels: Pixels
}

/** Makes one batch from the numbers of its images: decodes them or takes them from the cache, plans each, puts them together. */
export class BatchMaker {
  readonly #options: BatchMakerOptions

  constructor(options: BatchMakerOptions) {
    this.#options = options
  }

  /** @throws a broken image's error when strict; ERR_DISPOSED */
  async make(indices: Iterable<number>, place: BatchPlace): Promise<MadeBatch> {
    const loaded = await Promise.all(Array.from(indices, (index, i) => this.#load(index, place.position + i)))
    const decoded = loaded.filter((image) => 'pixels' in image)
    const broken = loaded.filter((image) => 'error' in image)
    if (decoded.length === 0 && !this.#options.keepEmpty) return { broken }
    const batch: Batch = {
      size: decoded.length,
      step: place.step,
      indices: Int32Array.from(decoded, ({ index }) => index),
      labels: Int32Array.from(decoded, ({ label }) => label),
      images: this.#imagesOf(decoded, place),
    }
    return { batch, broken }
  }

  async #load(index: number, position: number): Promise<LoadedImage | BrokenImage> {
    const { dataset, cache, strict } = this.#options
    try {
      const { image, label } = await dataset.get(index)
      const key = dataset.key?.(index) ?? String(index)
      return { index, key, position, label, pixels: await cache.get(key, image) }
    } catch (error) {
      if (strict || !isBroken(error)) throw error
      return { index, error }
    }
  }

  #imagesOf(images: readonly LoadedImage[], { epoch, step }: BatchPlace): BatchImages {
    const { cache, rule: { pad }, transform, mean, std, rngFor, epochs = Infinity, outputAt } = this.#options
    const output = outputAt(epoch, step)
    const progress = epoch / epochs
    const plans = images.map(({ index, position, pixels }) =>
      transform({ ...paddedSize(pixels, pad), output }, rngFor(epoch, index, position), progress))
    const known = { cache, keys: images.map(({ key }) => key) }
    return lazyPixels(images.map(({ pixels }) => pixels), pad, { plans, output, mean, std }, known)
  }
}

function isBroken(error: unknown): error is TorchgraftError {
  return error instanceof TorchgraftError && (error.code === 'ERR_IMAGE_DECODE' || error.code === 'ERR_IMAGE_TOO_LARGE')
}
