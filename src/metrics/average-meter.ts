import { anyNumber, numberField } from '../options/checks.js'

const COUNT = numberField({ min: 0 })

/** The running average of a value, weighted by counts. */
export class AverageMeter {
  #sum = 0
  #count = 0

  /** @param count what the value weighs: 0 or more */
  update(value: number, count = 1): void {
    anyNumber(value, 'value')
    COUNT(count, 'count')
    this.#sum += value * count
    this.#count += count
  }

  /** Of values times counts. */
  get sum(): number {
    return this.#sum
  }

  get count(): number {
    return this.#count
  }

  /** NaN before the first update. */
  get average(): number {
    return this.#count === 0 ? Number.NaN : this.#sum / this.#count
  }
}
