import type { EpochEvent, StartEvent, StepEvent } from '../runs/events.js'

/**
 * Estimates the time left in training from what steps and scoring have taken so far. The work of a step is counted as the area of its
 * images, in pixels, which may grow from epoch to epoch.
 */
export class EtaClock {
  readonly #start: StartEvent
  readonly #now: () => number
  readonly #began: number
  /** Of all steps so far. */
  #workDone = 0
  /** Seconds that an epoch takes besides its steps. */
  #scoring = 0

  /** @param now in seconds */
  constructor(start: StartEvent, now: () => number) {
    this.#start = start
    this.#now = now
    this.#began = now()
  }

  afterStep({ epoch }: Pick<StepEvent, 'epoch'>): void {
    this.#workDone += areaAt(this.#start, epoch)
  }

  /** A rough estimate: an epoch's seconds, less what its steps would take at the average speed. */
  afterEpoch({ epoch, seconds }: Pick<EpochEvent, 'epoch' | 'seconds'>): void {
    const perWork = this.#elapsed() / Math.max(1, this.#workDone)
    this.#scoring = Math.max(0, seconds - perWork * this.#start.steps * areaAt(this.#start, epoch))
  }

  /** After a step, which counts from 1 in its epoch. */
  secondsLeft({ epoch, step }: Pick<StepEvent, 'epoch' | 'step'>): number {
    const { steps, epochs } = this.#start
    const workLeft = (steps - step) * areaAt(this.#start, epoch) + steps * areaAfter(this.#start, epoch)
    return (this.#elapsed() / this.#workDone) * workLeft + this.#scoring * (epochs - epoch + 1)
  }

  #elapsed(): number {
    return this.#now() - this.#began
  }
}

/** Area of an image in an epoch, in pixels; 1 where all epochs have the same. */
function areaAt({ sizes }: StartEvent, epoch: number): number {
  return (sizes?.findLast(({ from }) => from <= epoch)?.size ?? 1) ** 2
}

/** Sum of the areas of an image in all epochs after this one. */
function areaAfter({ epochs, sizes = [{ from: 1, size: 1 }] }: StartEvent, epoch: number): number {
  return sizes.reduce((sum, { from, size }, i) => {
    const end = sizes[i + 1]?.from ?? epochs + 1
    return sum + size ** 2 * Math.max(0, end - Math.max(from, epoch + 1))
  }, 0)
}
