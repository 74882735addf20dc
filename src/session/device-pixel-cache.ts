import { PIXEL_CHUNK } from '../addon/binding.js'
import type { PixelKeys } from '../loader/lazy-pixels.js'

/** Where an image's pixels are in a session's memory for them. */
export interface Place {
  /** In bytes from the beginning of the first chunk. */
  readonly offset: number
  /** Whether a batch brought them there. */
  stored: boolean
}

/** What a loader's images take: chunks of their own, one after another. */
interface Shelf {
  readonly places: Map<string, Place>
  /** Images for which there was no room. */
  readonly refused: Set<string>
  readonly chunks: number[]
  /** Of what is taken of the last chunk, in bytes from the beginning of the first. */
  end: number
}

/**
 * Which images' pixels stay in a device's memory, and where: those that come first, up to a limit. The room of a loader that was disposed
 * of is given to others when it is needed. Native code has the pixels themselves.
 */
export class DevicePixelCache {
  readonly #chunks: number
  readonly #shelves = new Map<PixelKeys['cache'], Shelf>()
  readonly #unused: number[] = []
  #used = 0

  /** @param limit in bytes */
  constructor(limit: number) {
    this.#chunks = Math.floor(limit / PIXEL_CHUNK)
  }

  /** The place of a loader's image, from this batch on. Undefined: there is no room. */
  place({ cache, key, bytes }: { readonly cache: PixelKeys['cache']; readonly key: string; readonly bytes: number }): Place | undefined {
    const shelf = this.#shelfOf(cache)
    const known = shelf.places.get(key)
    if (known) return known
    if (!this.#hasRoom(shelf, bytes)) {
      shelf.refused.add(key)
      return undefined
    }
    const place = { offset: shelf.end, stored: false }
    shelf.end += bytes
    shelf.places.set(key, place)
    shelf.refused.delete(key)
    return place
  }

  /** Images of loaders that are in use: those that have a place, and those for which there was no room. */
  get counts(): { readonly placed: number; readonly refused: number } {
    const shelves = [...this.#shelves].filter(([cache]) => !cache.disposed).map(([, shelf]) => shelf)
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
    return { placed: sum(shelves.map(({ places }) => places.size)), refused: sum(shelves.map(({ refused }) => refused.size)) }
  }

  #shelfOf(cache: PixelKeys['cache']): Shelf {
    const found = this.#shelves.get(cache)
    if (found) return found
    const shelf: Shelf = { places: new Map(), refused: new Set(), chunks: [], end: 0 }
    this.#shelves.set(cache, shelf)
    return shelf
  }

  /** Whether so many bytes fit behind `shelf.end`, if need be in another chunk. */
  #hasRoom(shelf: Shelf, bytes: number): boolean {
    const last = shelf.chunks.at(-1)
    if (last !== undefined && shelf.end + bytes <= (last + 1) * PIXEL_CHUNK) return true
    if (bytes > PIXEL_CHUNK) return false
    const chunk = this.#takeChunk()
    if (chunk === undefined) return false
    shelf.chunks.push(chunk)
    shelf.end = chunk * PIXEL_CHUNK
    return true
  }

  #takeChunk(): number | undefined {
    if (this.#unused.length === 0 && this.#used < this.#chunks) return this.#used++
    if (this.#unused.length === 0) this.#clearDisposed()
    return this.#unused.pop()
  }

  #clearDisposed(): void {
    for (const [cache, { chunks }] of this.#shelves) {
      if (!cache.disposed) continue
      this.#unused.push(...chunks)
      this.#shelves.delete(cache)
    }
  }
}
