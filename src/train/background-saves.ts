import { allFinite } from '../formats/all-finite.js'
import type { CheckpointWriter, Savable } from '../runs/checkpoint-store.js'
import type { TrainingEvent } from '../runs/events.js'
import type { ModelMetadata, TrainingMetadata } from '../runs/model-metadata.js'
import type { SavedPosition } from '../runs/saved-position.js'
import { weightsNotFinite } from './not-finite.js'

interface Snapshot {
  readonly state: Savable
  readonly last: Omit<TrainingMetadata, 'scaler'>
  readonly best: ModelMetadata | undefined
}

/**
 * Saves while training goes on, which waits for the copy of the state alone. One file is written at a time, and `last`
 * before the `best` that it names, so that whatever a crash leaves, `last` has the best model or `best` does.
 */
export class BackgroundSaves {
  readonly #store: CheckpointWriter
  /** Snapshots that wait for the one that is being written: two at most. */
  #waiting: Snapshot[] = []
  #work: Promise<void> | undefined
  #written: TrainingEvent[] = []
  #failure: { readonly error: unknown } | undefined
  #lastGood: SavedPosition | undefined

  constructor(store: CheckpointWriter, lastGood?: SavedPosition) {
    this.#store = store
    this.#lastGood = lastGood
  }

  get busy(): boolean {
    return this.#work !== undefined
  }

  /** The newest state that is whole on disk. */
  get lastGood(): SavedPosition | undefined {
    return this.#lastGood
  }

  /** Copies the state, to be written. It replaces snapshots that wait, but for one with a best that this one does not beat. */
  async snapshot(session: Savable, last: Omit<TrainingMetadata, 'scaler'>, best?: ModelMetadata): Promise<void> {
    const [model, training] = await Promise.all([session.stateDict(), session.trainingState()])
    const { optimizer } = last
    const state: Savable = {
      stateDict: () => Promise.resolve(model),
      trainingState: () => Promise.resolve(training),
      ...(optimizer && { describeOptimizer: () => optimizer }),
    }
    this.#waiting = [...this.#waiting.filter((other) => other.best && !best), { state, last, best }]
    this.#work ??= this.#write().finally(() => (this.#work = undefined))
  }

  /** A `checkpoint` event for each file written since the last call. @throws what a write failed with */
  *written(): Generator<TrainingEvent, void, undefined> {
    yield* this.#written.splice(0)
    if (this.#failure) throw this.#failure.error
  }

  /** Waits until every snapshot is written. */
  async finish(): Promise<void> {
    await this.#work
  }

  async #write(): Promise<void> {
    try {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await this.#save(next)
    } catch (error) {
      this.#failure ??= { error }
      this.#waiting = []
    }
  }

  async #save({ state, last, best }: Snapshot): Promise<void> {
    const { epoch, step } = last.position
    if (!(await allFinite(await state.stateDict()))) throw weightsNotFinite({ epoch, step }, this.#lastGood)
    const { file, bytes } = await this.#store.saveLast(state, last)
    this.#lastGood = { file, epoch, step }
    this.#written.push({ type: 'checkpoint', epoch, step, file, bytes })
    if (best) this.#written.push({ type: 'checkpoint', epoch, step, ...(await this.#store.saveBest(state, best)) })
  }
}
