import type { Batch } from '../loader/batch.js'
import type { DataLoader, SkippedImage } from '../loader/data-loader.js'
import type { EpochMetrics, Metrics } from '../metrics/metrics.js'
import type { Schedule } from '../recipes/schedules.js'
import type { EpochEvent, TrainingEvent } from '../runs/events.js'
import type { Position, RunningSums, TrainingMetadata } from '../runs/model-metadata.js'
import type { TrainStepResult } from '../session/session.js'

const NOTHING: RunningSums = { loss: 0, correct: 0, images: 0 }

/** How far training has come: its position, the sums of the epoch under way, its learning rate, and the events that say so. */
export class TrainingProgress {
  readonly #train: DataLoader
  readonly #schedule: Schedule
  #position: Position
  #running: RunningSums
  #lr: number
  #epochBegan = 0
  #stepBegan = 0

  constructor(train: DataLoader, schedule: Schedule, saved?: Pick<TrainingMetadata, 'position' | 'running'>) {
    this.#train = train
    this.#schedule = schedule
    this.#position = saved?.position ?? { epoch: 0, step: 0, appliedSteps: 0, images: 0 }
    this.#running = saved?.running ?? NOTHING
    this.#lr = schedule(Math.max(0, this.#position.appliedSteps - 1))
  }

  /** Finished epochs. */
  get epoch(): number {
    return this.#position.epoch
  }

  /** Steps done in the epoch after those. */
  get step(): number {
    return this.#position.step
  }

  get position(): Position {
    return this.#position
  }

  get running(): RunningSums {
    return this.#running
  }

  /** Of the last step. */
  get lr(): number {
    return this.#lr
  }

  /** The epoch, from 0, that the position lies in or at the end of. */
  get epochOfState(): number {
    return this.step > 0 ? this.epoch : Math.max(0, this.epoch - 1)
  }

  nextLr(): number {
    this.#lr = this.#schedule(this.#position.appliedSteps)
    return this.#lr
  }

  beginEpoch(): void {
    this.#epochBegan = performance.now()
    this.beginStep()
  }

  /** From here on time is the next step's: loading its batch, and training on it. */
  beginStep(): void {
    this.#stepBegan = performance.now()
  }

  /** Counts a step, whose sums are over its batch's images: all ranks'. */
  *afterStep(
    batch: Batch, { loss, correct, images, steps, skipped, scale }: TrainStepResult, broken: readonly SkippedImage[],
  ): Generator<TrainingEvent> {
    const seconds = (performance.now() - this.#stepBegan) / 1000
    // Reading a step's numbers waits for no backward pass, so that it was skipped is known at the step after it.
    if (skipped > 0) yield { type: 'step-skipped', ...this.#stepBefore(), scale }
    const { position, running } = this
    const appliedSteps = position.appliedSteps + steps - skipped
    this.#position = { ...position, step: batch.step + 1, appliedSteps, images: position.images + images }
    if (Number.isFinite(loss)) {
      this.#running = { loss: running.loss + loss, correct: running.correct + correct, images: running.images + images }
    }
    yield* skippedEvents(broken)
    const { lr, step } = this
    yield { type: 'step', epoch: this.epoch + 1, step, loss: loss / images, lr, scale, imagesPerSecond: images / seconds }
  }

  /** Of the epoch under way, with what its validation images scored: means over its images. */
  metrics({ loss, top1, count }: Metrics): EpochMetrics & { readonly val: Metrics } {
    const { running } = this
    return { train: { loss: running.loss / running.images, top1: running.correct / running.images }, val: { loss, top1, count } }
  }

  endEpoch(metrics: ReturnType<TrainingProgress['metrics']>, improved: boolean): EpochEvent {
    const epoch = this.epoch + 1
    this.#position = { ...this.#position, epoch, step: 0 }
    this.#running = NOTHING
    return { type: 'epoch', epoch, ...metrics, improved, seconds: (performance.now() - this.#epochBegan) / 1000 }
  }

  /** The step that ended at the position, as events count. */
  #stepBefore(): { readonly epoch: number; readonly step: number } {
    const { epoch, step } = this
    return step > 0 ? { epoch: epoch + 1, step } : { epoch, step: this.#train.length }
  }
}

/** An event for each broken image. */
export function* skippedEvents(images: readonly SkippedImage[]): Generator<TrainingEvent> {
  for (const { path, code, message } of images) yield { type: 'image-skipped', path, code, message }
}
