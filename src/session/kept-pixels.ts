import { TorchgraftError } from '../errors.js'
import { type NativeImages, type NativeSession, PIXEL_CHUNK } from '../addon/binding.js'
import type { Batch } from '../loader/batch.js'
import { type PixelKeys, sourcesOf } from '../loader/lazy-pixels.js'
import { plural } from '../text/plural.js'
import { DevicePixelCache, type Place } from './device-pixel-cache.js'
import { fromNative, type NativeBatch, toNative } from './to-native.js'

/** Of what the first training step leaves free of a GPU's memory: later steps may be larger, and other programs want some. */
const SHARE = 1 / 4

/**
 * Hands batches to native code. Pixels of loaders' images stay in the device's memory, up to a limit: later batches of them are plans
 * alone. All batches could bring all their pixels again, so what is kept can be given up at any time.
 */
export class KeptPixels {
  readonly #native: Pick<NativeSession, 'freeMemory' | 'clearPixels'>
  readonly #limit: number | 'auto'
  readonly #onGpu: boolean
  #opened = false
  #cache: DevicePixelCache | undefined
  #givenUp = false

  /** @param limit in bytes; 'auto': a share of the GPU's memory */
  constructor(
    native: Pick<NativeSession, 'freeMemory' | 'clearPixels'>,
    { limit, onGpu }: { readonly limit: number | 'auto'; readonly onGpu: boolean },
  ) {
    this.#native = native
    this.#limit = limit
    this.#onGpu = onGpu
  }

  /** Begins to keep pixels: after the first training step, when it is known how much memory that leaves. */
  async open(): Promise<void> {
    if (this.#opened || this.#limit === 0) return
    this.#opened = true
    const free = await fromNative(() => this.#native.freeMemory())
    if (this.#onGpu && free === 0) return // its kernel is missing, and libtorch's operations read no pixels that stayed
    const limit = this.#limit === 'auto' ? SHARE * free : this.#limit
    if (limit >= PIXEL_CHUNK) this.#cache = new DevicePixelCache(limit)
  }

  /**
   * Runs a step on a batch, which is taken at the call. Where memory ran out while pixels are kept, they are given up, and the step is run
   * once more: after those that were asked for meanwhile.
   */
  async run<T>(batch: Batch, step: (native: NativeBatch) => Promise<T>): Promise<T> {
    const native = toNative(batch)
    const cache = this.#cache
    const known = sourcesOf(batch.images)?.known
    if (!cache || !known) return fromNative(() => step(native))
    const labels = native.labels?.slice() // the caller may write to its own before the step is run again
    const { images, brought } = place(native.images, known, cache)
    try {
      return await fromNative(() => step({ images, labels }))
    } catch (error) {
      for (const one of brought) one.stored = false // perhaps it did not get there
      if (this.#cache === cache && !isOutOfMemory(error)) throw error
      this.#giveUp()
      return fromNative(() => step({ images: native.images, labels }))
    }
  }

  /** What is not kept that could be, in words. */
  get notes(): readonly string[] {
    if (this.#givenUp) return ['Images travel to the GPU for each step: where they stayed there, a step ran out of memory']
    const { placed, refused } = this.#cache?.counts ?? { placed: 0, refused: 0 }
    if (refused === 0) return []
    return [`Of ${plural(placed + refused, 'image')} ${placed} stay in the GPU’s memory; the others, for which it has no room, travel there for each step`]
  }

  /** Asks for it and does not wait, so that the steps that are run again keep their order. */
  #giveUp(): void {
    if (!this.#cache) return
    this.#cache = undefined
    this.#givenUp = true
    this.#native.clearPixels().catch(() => {}) // where it fails, so does the step after it
  }
}

/** A batch without the pixels that are on the device, and the places that others are brought to. */
function place(
  images: NativeImages, { cache: owner, keys }: PixelKeys, cache: DevicePixelCache,
): { readonly images: NativeImages; readonly brought: readonly Place[] } {
  const { shapes, sizes = shapes } = images
  const arrays = images.pixels as readonly Uint8Array[]
  const places = keys.map((key, i) => cache.place({ cache: owner, key, bytes: (shapes[2 * i] ?? 0) * (shapes[2 * i + 1] ?? 0) * 3 }))
  const isBrought = (i: number): boolean => places[i]?.stored !== true
  const placed: NativeImages = {
    ...images,
    pixels: arrays.filter((_, i) => isBrought(i)),
    sizes: sizes.filter((_, i) => isBrought(i >> 1)),
    places: Float64Array.from(places, (one) => one?.offset ?? -1),
    brought: Uint8Array.from(places, (_, i) => Number(isBrought(i))),
  }
  const brought = places.filter((one) => one !== undefined && !one.stored) as Place[]
  for (const one of brought) one.stored = true
  return { images: placed, brought }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof TorchgraftError && error.code === 'ERR_OUT_OF_MEMORY'
}
