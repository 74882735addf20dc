import { type BestEpoch, type EpochMetrics, type Metrics, type Monitor, monitored, monitorMode } from '../metrics/metrics.js'

/** Remembers the best epoch: a strict improvement of the monitored number, ties decided by the validation loss. */
export class BestEpochTracker {
  readonly #monitor: Monitor
  #best: BestEpoch | undefined

  constructor(monitor: Monitor, best?: BestEpoch) {
    this.#monitor = monitor
    this.#best = best
  }

  get best(): BestEpoch | undefined {
    return this.#best
  }

  /** Whether this epoch is the best so far. An epoch whose number, or whose validation loss, is none never is. */
  update(epoch: number, metrics: EpochMetrics & { readonly val: Metrics }): boolean {
    const value = monitored(this.#monitor, metrics)
    // A model of NaNs still guesses one class, and may guess more than the best had right.
    if (Number.isNaN(value) || !Number.isFinite(metrics.val.loss)) return false
    if (!this.#improves(value, metrics.val.loss) && !this.#isDoneAgain(epoch, value, metrics.val.loss)) return false
    this.#best = { epoch, metrics: metrics.val, value }
    return true
  }

  /** The best is of this very epoch, which is done again after a crash: it is as good as it was. */
  #isDoneAgain(epoch: number, value: number, valLoss: number): boolean {
    return this.#best?.epoch === epoch && value === this.#best.value && valLoss === this.#best.metrics.loss
  }

  #improves(value: number, valLoss: number): boolean {
    if (!this.#best) return true
    if (value === this.#best.value) return valLoss < this.#best.metrics.loss
    return monitorMode(this.#monitor) === 'min' ? value < this.#best.value : value > this.#best.value
  }
}
