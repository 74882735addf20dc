import type { Uint32Generator } from '../../random/mt19937.js'
import type { Random } from '../../random/sfc32.js'
import { torchGenerator } from '../../random/torch.js'

/** A `DataLoader` draws its workers' seed, 64 bits, when an epoch begins, whether it has workers or not. */
const LOADER_DRAWS = 2

/** Passes over what `iter(DataLoader(…))` draws. */
export function skipLoaderSeed(bits: Uint32Generator): void {
  for (let i = 0; i < LOADER_DRAWS; i++) bits()
}

/**
 * The draws of an epoch of `DataLoader(…, num_workers=0)` after `torch.manual_seed(seed + epoch)`, for images that draw
 * `each` numbers, one after another. An image's own come by its place in the epoch, so that any batch can be made alone.
 */
export function torchEpochs(seed: number, each: number): (epoch: number, position: number) => Random {
  const epochs = new Map<number, EpochDraws>()
  return (epoch, position) => {
    let draws = epochs.get(epoch)
    if (!draws) {
      epochs.delete(epoch - 2) // batches are made ahead, but no further than into the next epoch
      epochs.set(epoch, (draws = new EpochDraws(seed + epoch)))
    }
    let next = position * each
    return () => draws.at(next++) / 2 ** 32
  }
}

/** A generator's numbers by their place, kept once drawn. */
class EpochDraws {
  readonly #bits: Uint32Generator
  readonly #drawn: number[] = []

  constructor(seed: number) {
    this.#bits = torchGenerator(seed)
    skipLoaderSeed(this.#bits)
  }

  at(place: number): number {
    while (this.#drawn.length <= place) this.#drawn.push(this.#bits())
    return this.#drawn[place] as number
  }
}
