import type { DataLoader, SkippedImage } from './data-loader.js'

/**
 * A loader of the validation images for each size that epochs are validated at, where training begins with smaller images. Only the
 * latest keeps its decoded images.
 */
export class ValLoaders implements AsyncDisposable {
  readonly #make: (size: number) => DataLoader
  readonly #sizeInEpoch: (epoch: number) => number
  readonly #all: DataLoader[] = []
  readonly #disposals: Promise<void>[] = []

  constructor(make: (size: number) => DataLoader, sizeInEpoch: (epoch: number) => number) {
    this.#make = make
    this.#sizeInEpoch = sizeInEpoch
  }

  /** The loader for an epoch, from 0. */
  at(epoch: number): DataLoader {
    return this.ofSize(this.#sizeInEpoch(epoch))
  }

  /** The loader for a size. Disposes of the one of another size. */
  ofSize(size: number): DataLoader {
    const latest = this.#all.at(-1)
    if (latest?.size === size) return latest
    if (latest) {
      const disposal = latest.dispose()
      disposal.catch(() => {}) // rejects when all are disposed of
      this.#disposals.push(disposal)
    }
    const loader = this.#make(size)
    if (latest) loader.markReported(this.skipped)
    this.#all.push(loader)
    return loader
  }

  /** Broken images, each once. */
  get skipped(): readonly SkippedImage[] {
    return [...new Map(this.#all.flatMap(({ skipped }) => skipped.map((image) => [image.index, image] as const))).values()]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#disposals, this.#all.at(-1)?.dispose()])
  }
}
