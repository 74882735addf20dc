import type { CheckpointStore, Savable } from '../runs/checkpoint-store.js'
import type { ModelMetadata, TrainingMetadata } from '../runs/model-metadata.js'
import { allFinite } from '../formats/all-finite.js'
import type { TrainingEvent } from '../runs/events.js'
import { poisoned } from './not-finite.js'
import type { SavedPosition } from '../runs/saved-position.js'

interface Snapshot {
  readonly state: Savable
  readonly last: Omit<TrainingMetadata, 'scaler'>
  readonly best: ModelMetadata | undefined
}

/**
 * Saves while training goes on: it waits for the copy of the state alone. One file is written at a time, and `last`
 * before the `best` that it tells of, so that whatever a crash leaves, `last` has the best model or `best` does.
 */
export class BackgroundSaves {
  readonly #store: Pick<CheckpointStore, 'save'>
  /** Two at most. */
  #waiting: Snapshot[] = []
  #work: Promise<void> | undefined
  #written: TrainingEvent[] = []
  #failure: { readonly error: unknown } | undefined
  #lastGood: SavedPosition | undefined

  constructor(store: Pick<CheckpointStore, 'save'>, lastGood?: SavedPosition) {
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

  /** Copies the state, and gives it to be written. What still waits gives way to it, but for a best that is not beaten. */
  async snapshot(session: Savable, last: Omit<TrainingMetadata, 'scaler'>, best?: ModelMetadata): Promise<void> {
    const [model, training] = await Promise.all([session.stateDict(), session.trainingState()])
    const state = { stateDict: () => Promise.resolve(model), trainingState: () => Promise.resolve(training), ...(last.optimizer && { describeOptimizer: () => last.optimizer! }) }
    this.#waiting = [...this.#waiting.filter((other) => other.best && !best), { state, last, best }]
    this.#work ??= this.#write().finally(() => (this.#work = undefined))
  }

  /** Tells of the files written since it was last asked. @throws what a write failed with */
  *written(): Generator<TrainingEvent, void, undefined> {
    yield* this.#written.splice(0)
    if (this.#failure) throw this.#failure.error
  }

  /** Waits for all that was taken. */
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
    if (!(await allFinite(await state.stateDict()))) throw poisoned({ epoch, step }, this.#lastGood)
    const { file, bytes } = await this.#store.save('last', state, last)
    this.#lastGood = { file, epoch, step }
    this.#written.push({ type: 'checkpoint', epoch, step, file, bytes })
    if (best) this.#written.push({ type: 'checkpoint', epoch, step, ...(await this.#store.save('best', state, best)) })
  }
}
