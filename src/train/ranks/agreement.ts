import type { Ranks } from '../../distributed/ranks.js'
import type { Batch } from '../../loader/batch.js'
import type { DataLoader, SkippedImage } from '../../loader/data-loader.js'
import { type Evaluation, joinParts, type ScoredPart, type Scorer, scorePart } from '../evaluate.js'

/** A batch that all ranks train on now, each on its part. */
export interface AgreedBatch {
  readonly batch: Batch
  /** Broken images that were found since the batch before, by any rank. */
  readonly skipped: readonly SkippedImage[]
}

/** What the images of a set score, as all ranks know it. */
export interface AgreedScore {
  /** undefined where a rank was told to stop. */
  readonly score: Evaluation | undefined
  readonly skipped: readonly SkippedImage[]
}

/** JSON has no NaN. */
type Part = Omit<ScoredPart, 'loss'> & { readonly loss: string }

/** What all ranks must do alike, though one alone may know that it is to be done: to leave out an image, or to stop. */
export class Agreement {
  readonly #ranks: Ranks
  readonly #signal: AbortSignal | undefined
  #stopped = false

  /** @param signal this rank's: when any rank's is aborted, all stop after the same step */
  constructor(ranks: Ranks, signal: AbortSignal | undefined) {
    this.#ranks = ranks
    this.#signal = signal
  }

  /** Whether all ranks stop now. */
  get stopped(): boolean {
    return this.#stopped || (this.#ranks.worldSize === 1 && this.#signal?.aborted === true)
  }

  /** @throws the signal's reason where all ranks stop, or an `AbortError` where it was another's signal */
  throwIfStopped(): void {
    if (!this.stopped) return
    this.#signal?.throwIfAborted()
    throw new DOMException('Another rank was interrupted', 'AbortError')
  }

  /** The batches of an epoch, until all stop. Those that no rank can read an image of are left out. */
  async *batches(train: DataLoader, epoch: number, from: number): AsyncGenerator<AgreedBatch> {
    for await (const batch of train.epoch(epoch, { from })) {
      const own = { images: batch.size, skipped: train.takeSkipped(), stop: this.#signal?.aborted === true }
      const parts = await this.#ranks.gather(`step ${batch.step + 1} of epoch ${epoch + 1}`, own)
      const skipped = parts.flatMap((part) => part.skipped)
      train.markReported(skipped) // in another epoch another rank finds the same ones
      this.#stopped ||= parts.some(({ stop }) => stop)
      if (this.#stopped) return
      if (parts.some(({ images }) => images > 0)) yield { batch, skipped }
    }
  }

  /** Scores each image of a set once, on one of the ranks. */
  async score(session: Scorer, val: DataLoader): Promise<AgreedScore> {
    const own = await this.#scoreOwn(session, val)
    const parts = await this.#ranks.gather('the scores', { part: own, skipped: val.takeSkipped() })
    const skipped = parts.flatMap((each) => each.skipped)
    val.markReported(skipped)
    const scored = parts.flatMap(({ part }) => (part ? [{ ...part, loss: Number(part.loss) }] : []))
    this.#stopped ||= scored.length < parts.length
    return { score: this.#stopped ? undefined : joinParts(val.dataset.classes, scored), skipped }
  }

  async #scoreOwn(session: Scorer, val: DataLoader): Promise<Part | null> {
    try {
      const part = await scorePart(session, val, this.#signal)
      return { ...part, loss: String(part.loss) }
    } catch (error) {
      if (this.#signal?.aborted) return null
      throw error
    }
  }
}
