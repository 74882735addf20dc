import type { Patience } from '../runs/model-metadata.js'
import { anyNumber, checkFields, type Fields, required, orNull, numberField, integerField, oneOfField } from '../options/checks.js'

export interface EarlyStoppingOptions {
  /** Epochs without improvement before training stops. @default 3 */
  readonly patience?: number
  /** The change that must be exceeded to count as improvement. @default 0 */
  readonly minDelta?: number
  /** Whether lower or higher is better. @default 'min' */
  readonly mode?: 'min' | 'max'
}

const FIELDS: Fields<EarlyStoppingOptions> = {
  patience: integerField({ min: 1 }), minDelta: numberField({ min: 0 }), mode: oneOfField(['min', 'max']),
}
const STATE_FIELDS: Fields<Patience> = { best: required(orNull(anyNumber)), wait: required(integerField({ min: 0 })) }

/** Says when a number has stopped improving, as Keras's callback of this name. It only keeps score: the loop decides what to do. */
export class EarlyStopping {
  readonly mode: 'min' | 'max'
  readonly #patience: number
  readonly #minDelta: number
  #best: number | null = null
  #wait = 0

  constructor(options: EarlyStoppingOptions = {}) {
    checkFields<EarlyStoppingOptions>(options, FIELDS, 'EarlyStopping')
    const { patience = 3, minDelta = 0, mode = 'min' } = options
    this.#patience = patience
    this.#minDelta = minDelta
    this.mode = mode
  }

  /** @param value NaN never improves */
  update(value: number): { readonly improved: boolean; readonly shouldStop: boolean } {
    anyNumber(value, 'value')
    const gain = this.#best === null ? Infinity : this.mode === 'min' ? this.#best - value : value - this.#best
    const improved = !Number.isNaN(value) && gain > this.#minDelta
    if (improved) this.#best = value
    this.#wait = improved ? 0 : this.#wait + 1
    return { improved, shouldStop: this.shouldStop }
  }

  get shouldStop(): boolean {
    return this.#wait >= this.#patience
  }

  /** What a resumed run needs to go on counting. */
  get state(): Patience {
    return { best: this.#best, wait: this.#wait }
  }

  restore(state: Patience): void {
    checkFields<Patience>(state, STATE_FIELDS, 'EarlyStopping.restore')
    this.#best = state.best
    this.#wait = state.wait
  }
}
