import { type NameOption, TorchgraftError } from '../errors.js'
import type { Batch } from '../loader/batch.js'
import type { DataLoader } from '../loader/data-loader.js'
import type { TrainingEvent } from '../runs/events.js'
import type { Position } from '../runs/model-metadata.js'
import { describeLastGood, describePosition, type SavedPosition } from '../runs/saved-position.js'
import type { TrainStepResult } from '../session/session.js'
import { some } from '../text/some.js'

/**
 * Losses in a row, none of them finite, that end a run. One may be its batch's own; but where it has reached the weights no
 * later loss is finite either, and two more steps, in which nothing is saved, show which it is.
 */
const IN_A_ROW = 3

type NotFiniteEvent = Extract<TrainingEvent, { type: 'not-finite' }>

/** Keeps score of losses that are not finite. */
export class NotFiniteLosses {
  readonly #train: Pick<DataLoader, 'dataset'>
  readonly #precision: string
  #first: NotFiniteEvent | undefined
  #inARow = 0

  /** @param precision of the session: fp16 has a scaler */
  constructor(train: Pick<DataLoader, 'dataset'>, precision: string) {
    this.#train = train
    this.#precision = precision
  }

  /** Looks at the loss of the step that ended at a position. */
  *check(batch: Batch, result: TrainStepResult, { epoch, step }: Position): Generator<NotFiniteEvent> {
    if (Number.isFinite(result.loss)) {
      this.#inARow = 0
      this.#first = undefined
      return
    }
    const event: NotFiniteEvent = { type: 'not-finite', epoch: epoch + 1, step, images: namesOf(batch, this.#train) }
    if (!this.#scalerSkips(result)) {
      this.#inARow++
      this.#first ??= event
    }
    if (this.#first) yield event
  }

  /** The first of those in a row, which may have spoiled the weights: they are not to be saved. */
  get first(): Omit<NotFiniteEvent, 'type'> | undefined {
    return this.#first
  }

  get tooMany(): boolean {
    return this.#inARow >= IN_A_ROW
  }

  error(lastGood: SavedPosition | undefined): TorchgraftError {
    const { epoch, step, images } = this.#first ?? { epoch: 0, step: 0, images: [] }
    const after = this.#inARow > 1 ? `, and in the ${this.#inARow === 2 ? 'step' : `${this.#inARow - 1} steps`} after it` : ''
    const where = `The loss is not finite (NaN or infinite) in epoch ${epoch}, step ${step}${after}. Images of that step: ${list(images)}.`
    return new TorchgraftError('ERR_NOT_FINITE', (option) => `${where} ${describeLastGood(lastGood)} ${advice(option)}`)
  }

  /** fp16's scaler skips such steps, and a smaller scale may do. Below 1 the scale is not the cause. */
  #scalerSkips({ scale }: TrainStepResult): boolean {
    return this.#precision === 'fp16' && scale >= 1
  }
}

/** Weights that were about to be saved, and are not finite. */
export function weightsNotFinite(at: Pick<Position, 'epoch' | 'step'>, lastGood: SavedPosition | undefined): TorchgraftError {
  const what = `The model's weights are no longer finite (NaN or infinite) after ${describePosition(at)}, and were not saved.`
  return new TorchgraftError('ERR_NOT_FINITE', (option) => `${what} ${describeLastGood(lastGood)} ${advice(option)}`)
}

/** A new run can begin from a good state. */
function advice(option: NameOption): string {
  return `Look at the images, and try a lower learning rate or precision fp32 in a new run, which can start from a good state (${option('weights')})`
}

const NAMED = 8

function list(images: readonly string[]): string {
  return some(images, NAMED, (rest) => `and ${rest} more, which events.jsonl names`).join(', ')
}

function namesOf({ indices, whole = indices }: Batch, { dataset }: Pick<DataLoader, 'dataset'>): string[] {
  return [...whole].map((index) => dataset.name?.(index) ?? `image ${index}`)
}
