import { TorchgraftError } from '../errors.js'
import type { DataLoader } from '../loader/data-loader.js'
import type { BestEpoch } from '../metrics/metrics.js'
import type { ModelName } from '../models/catalogue.js'
import type { TrainingEvent } from '../runs/events.js'
import type { ModelMetadata, Position, TrainingMetadata } from '../runs/model-metadata.js'
import type { SavedPosition } from '../runs/saved-position.js'
import { BackgroundSaves } from './background-saves.js'
import type { BestEpochTracker } from './best-epoch.js'
import type { LoopOptions, Trainable } from './fit-options.js'
import type { NotFiniteLosses } from './not-finite.js'
import type { TrainingProgress } from './training-progress.js'

/** What of the loop goes into a `last` file. */
interface Savables {
  readonly progress: TrainingProgress
  readonly best: BestEpochTracker
  readonly losses: NotFiniteLosses
}

/** Decides when the state is saved and what is written beside it. Without a store it saves nothing. */
export class Saver {
  readonly #session: Trainable
  readonly #options: LoopOptions
  readonly #loop: Savables
  readonly #saves: BackgroundSaves | undefined
  #savedAt = performance.now()
  /** Of the newest snapshot, or of the state that the run goes on from. */
  #savedPosition: Position | undefined

  constructor(session: Trainable, options: LoopOptions, loop: Savables) {
    const { checkpoints, resume } = options
    this.#session = session
    this.#options = options
    this.#loop = loop
    this.#savedPosition = resume && loop.progress.position
    const lastGood = resume && { file: resume.from, epoch: loop.progress.epoch, step: loop.progress.step }
    this.#saves = checkpoints && new BackgroundSaves(checkpoints, lastGood)
  }

  /** The newest state that is whole on disk. */
  get lastGood(): SavedPosition | undefined {
    return this.#saves?.lastGood
  }

  /** Saves the position where it has not been for so many minutes, unless a file is being written. */
  async saveIfDue(): Promise<void> {
    const minutes = (performance.now() - this.#savedAt) / 60_000
    if (minutes > this.#options.saveEveryMinutes && this.#saves?.busy === false) await this.save()
  }

  /** Saves `last`, once for a position, and `best` where the epoch that has ended is the best one. */
  async save(best?: BestEpoch): Promise<void> {
    this.#savedAt = performance.now()
    const { progress, losses } = this.#loop
    if (losses.first) return // losses that are not finite may have spoiled the weights
    if (!this.#saves || this.#savedPosition === progress.position) return
    this.#savedPosition = progress.position
    await this.#saves.snapshot(this.#session, this.#trainingMetadata(), best && this.#modelMetadata(best))
  }

  /** A `checkpoint` event for each file written since the last call. @throws what a write failed with */
  *written(): Generator<TrainingEvent, void, undefined> {
    if (this.#saves) yield* this.#saves.written()
  }

  /** Waits for what is being written. @returns its events, as `written` does */
  async *finish(): AsyncGenerator<TrainingEvent, void, undefined> {
    await this.close()
    yield* this.written()
  }

  async close(): Promise<void> {
    await this.#saves?.finish()
  }

  #trainingMetadata(): Omit<TrainingMetadata, 'scaler'> {
    const { position, running, lr } = this.#loop.progress
    const { settings, earlyStopping } = this.#options
    const optimizer = this.#session.describeOptimizer?.(lr)
    return {
      ...this.#modelMetadata(),
      ...(settings && { settings }),
      position,
      running,
      ...(optimizer && { optimizer }),
      best: this.#loop.best.best ?? null,
      patience: earlyStopping?.state ?? null,
    }
  }

  /** @param best where the file is scored: its epoch and metrics */
  #modelMetadata(best?: BestEpoch): ModelMetadata {
    const { valAt, origin } = this.#options
    const val = valAt(this.#loop.progress.epochOfState)
    return { ...modelMetadata(this.#session.model, val, best && { ...best.metrics, epoch: best.epoch }), ...origin }
  }
}

type ScoringLoader = Pick<DataLoader, 'dataset' | 'size' | 'mean' | 'std' | 'transform'>

/** What predicting with a model needs to know, from the loader that it was scored with. */
function modelMetadata(model: ModelName, val: ScoringLoader, metrics?: ModelMetadata['metrics']): ModelMetadata {
  const { dataset, size, mean, std, transform } = val
  const rule = transform.decode?.(size)
  if (!rule) {
    throw new TorchgraftError('ERR_ARGUMENT', 'Expected a validation transform that says how images are resized, such as evalTransform()')
  }
  const { shorterSide, crop, antialias, pad, orient, profile } = rule
  return {
    formatVersion: 1,
    model,
    classes: dataset.classes,
    size,
    resize: { shorterSide, crop, antialias, pad, orient, profile },
    mean,
    std,
    ...(metrics && { metrics: { epoch: metrics.epoch, loss: metrics.loss, top1: metrics.top1, count: metrics.count } }),
  }
}
