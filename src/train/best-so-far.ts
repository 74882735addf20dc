import { type BestEpoch, type EpochMetrics, type Metrics, type Monitor, monitored, monitorMode } from '../metrics/metrics.js'

/** Remembers the best epoch: a strict improvement of the monitored number, ties decided by the validation loss. */
export class BestSoFar {
  readonly #monitor: Monitor
  #best: BestEpoch | undefined

  constructor(monitor: Monitor, best?: BestEpoch) {
    this.#monitor = monitor
    this.#best = best
  }

  get best(): BestEpoch | undefined {
    return this.#best
  }

  /** Whether this epoch is the best so far. An epoch whose number is NaN never is. */
  update(epoch: number, metrics: EpochMetrics & { readonly val: Metrics }): boolean {
    const value = monitored(this.#monitor, metrics)
    if (Number.isNaN(value) || !this.#improves(value, metrics.val.loss)) return false
    this.#best = { epoch, metrics: metrics.val, value }
    return true
  }

  #improves(value: number, valLoss: number): boolean {
    if (!this.#best) return true
    if (value === this.#best.value) return valLoss < this.#best.metrics.loss
    return monitorMode(this.#monitor) === 'min' ? value < this.#best.value : value > this.#best.value
  }
}
