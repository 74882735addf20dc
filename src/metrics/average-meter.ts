/** The running average of a value, weighted by counts. */
export class AverageMeter {
  #sum = 0
  #count = 0

  update(value: number, count = 1): void {
    this.#sum += value * count
    this.#count += count
  }

  /** NaN before the first update. */
  get average(): number {
    return this.#count === 0 ? Number.NaN : this.#sum / this.#count
  }
}
