import type { Position } from '../runs/model-metadata.js'
import { type NameOption, TorchgraftError } from '../errors.js'
import { some } from '../text/some.js'
import { type SavedPosition, tellLastGood, describePosition } from '../runs/saved-position.js'

/**
 * Losses in a row that end a run. One that is not finite may be a batch's own; but where it has reached the weights all
 * the later ones are not either, and two more steps, in which nothing is saved, tell which it is.
 */
export const IN_A_ROW = 3

/** A step whose loss is not finite, and the images it was made of. */
export interface NotFiniteStep {
  readonly epoch: number
  readonly step: number
  readonly images: readonly string[]
}

/** Keeps score of losses that are not finite. */
export class NotFiniteLosses {
  #first: NotFiniteStep | undefined
  #inARow = 0

  /** @param step undefined where the loss is a number */
  update(step: NotFiniteStep | undefined): void {
    this.#inARow = step ? this.#inARow + 1 : 0
    this.#first = step && (this.#first ?? step)
  }

  /** The first of those in a row, which may have spoiled the weights: they are not to be saved. */
  get first(): NotFiniteStep | undefined {
    return this.#first
  }

  get isOver(): boolean {
    return this.#inARow >= IN_A_ROW
  }

  error(lastGood: SavedPosition | undefined): TorchgraftError {
    const { epoch, step, images } = this.#first ?? { epoch: 0, step: 0, images: [] }
    const after = this.#inARow > 1 ? `, and in the ${this.#inARow === 2 ? 'step' : `${this.#inARow - 1} steps`} after it` : ''
    return new TorchgraftError('ERR_NOT_FINITE', (option) => `The loss is not finite (NaN or infinite) in epoch ${epoch}, step ${step}${after}. Images of that step: ${list(images)}. ${tellLastGood(lastGood)} ${advice(option)}`)
  }
}

/** Weights that were about to be saved, and are not finite. */
export function poisoned(at: Pick<Position, 'epoch' | 'step'>, lastGood: SavedPosition | undefined): TorchgraftError {
  return new TorchgraftError('ERR_NOT_FINITE', (option) => `The model's weights are no longer finite (NaN or infinite) after ${describePosition(at)}, and were not saved. ${tellLastGood(lastGood)} ${advice(option)}`)
}

/** A new run can begin from a good state. */
const advice = (option: NameOption): string => `Look at the images, and try a lower learning rate or precision fp32 in a new run, which can start from a good state (${option('weights')})`
const NAMED = 8

function list(images: readonly string[]): string {
  return some(images, NAMED, (rest) => `and ${rest} more, which events.jsonl names`).join(', ')
}
