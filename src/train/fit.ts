import type { CheckpointStore, Savable } from '../runs/checkpoint-store.js'
import type { ModelMetadata, Position, RunningSums, TrainingMetadata } from '../runs/model-metadata.js'
import { argumentError } from '../errors.js'
import type { DataLoader } from '../loader/data-loader.js'
import { checkFields } from '../options/checks.js'
import { type Metrics, type Monitor, monitored, monitorMode } from '../metrics/metrics.js'
import type { RegNetVariant } from '../models/variants.js'
import type { Batch } from '../loader/batch.js'
import type { TrainStepOptions, TrainStepResult } from '../session/session.js'
import { BackgroundSaves } from './background-saves.js'
import { BestEpochTracker } from './best-epoch.js'
import type { EarlyStopping } from './early-stopping.js'
import { evaluate, type Scorer } from './evaluate.js'
import type { StopReason, TrainingEvent } from '../runs/events.js'
import { FIT_FIELDS, LOADER, TRAINABLE } from './fit-options.js'
import { modelMetadata } from './model-card.js'
import { NotFiniteLosses } from './not-finite.js'
import { explainOutOfMemory } from './out-of-memory.js'
import { constant, type Schedule } from '../recipes/schedules.js'

/** What the loop needs of a session: easy to stand in for. */
export interface Trainable extends Scorer, Savable {
  readonly model: RegNetVariant
  readonly device: string
  readonly precision: string
  readonly precisionReason: string
  readonly lr: number
  trainStep(batch: Batch, options?: TrainStepOptions): Promise<TrainStepResult>
}

export interface FitOptions {
  readonly train: DataLoader
  /** Or what gives each epoch's, from 0: one of another size. */
  readonly val: DataLoader | ((epoch: number) => DataLoader)
  readonly epochs: number
  /** @default the learning rate of the session's optimizer, constant */
  readonly schedule?: Schedule
  /** Names the best epoch, ties decided by `val/loss`; what early stopping watches. @default 'val/loss' */
  readonly monitor?: Monitor
  readonly earlyStopping?: EarlyStopping
  /**
   * Where `best` goes on each improvement, and `last` at the end of each epoch and when aborted. Training waits for a copy
   * of the state, not for the writing; a write that fails ends it. Before the generator ends, all is written.
   */
  readonly checkpoints?: Pick<CheckpointStore, 'save'>
  /** Also saves `last` when this long has passed since it was saved. @default only at the end of an epoch */
  readonly saveEveryMinutes?: number
  /** Goes on in the model files. */
  readonly origin?: Pick<ModelMetadata, 'weights' | 'data'>
  /** Goes in `last`, for a resumed run to compare. */
  readonly settings?: TrainingMetadata['settings']
  /** For the `start` event. */
  readonly notes?: readonly string[]
  /** A position to go on from; the session must hold its state already. */
  readonly resume?: { readonly from: string; readonly metadata: TrainingMetadata }
  /** Finishes the step, saves, and rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /** In milliseconds. @default `performance.now` */
  readonly now?: () => number
}

const NOTHING: RunningSums = { loss: 0, correct: 0, images: 0 }

/**
 * The training loop. It trains as it is iterated: stop iterating and it stops training.
 *
 * @throws ERR_NOT_FINITE when three losses in a row, or the weights, are not finite; ERR_OUT_OF_MEMORY; ERR_WRITE; `signal.reason` when aborted
 */
export async function* fit(session: Trainable, options: FitOptions): AsyncGenerator<TrainingEvent, void, undefined> {
  TRAINABLE(session, 'session')
  checkFields<FitOptions>(options, FIT_FIELDS, 'fit')
  const { train, epochs, schedule = constant(session.lr), monitor = 'val/loss', earlyStopping, checkpoints, origin = {}, settings, resume, signal, now = () => performance.now() } = options
  if (earlyStopping && earlyStopping.mode !== monitorMode(monitor)) {
    throw argumentError(`mode '${monitorMode(monitor)}', which ${monitor} needs,`, 'earlyStopping', earlyStopping.mode)
  }
  const val = (epoch: number): DataLoader => {
    const loader = typeof options.val === 'function' ? options.val(Math.min(epoch, epochs - 1)) : options.val
    LOADER(loader, 'val')
    return loader
  }
  const saveEvery = (options.saveEveryMinutes ?? Infinity) * 60_000
  const before = resume?.metadata
  const bestSoFar = new BestEpochTracker(monitor, before?.best ?? undefined)
  if (before?.patience) earlyStopping?.restore(before.patience)
  let position: Position = before?.position ?? { epoch: 0, step: 0, appliedSteps: 0, images: 0 }
  let running: RunningSums = before?.running ?? NOTHING
  let lr = schedule(Math.max(0, position.appliedSteps - 1))
  let reason: StopReason = 'completed'
  let savedAt = now()
  let taken: Position | undefined = before?.position
  const told = { train: new Set<string>(), val: new Set<string>() }
  const losses = new NotFiniteLosses()
  const saves = checkpoints && new BackgroundSaves(checkpoints, resume && { file: resume.from, epoch: position.epoch, step: position.step })

  const metadata = (metrics?: Metrics & { readonly epoch: number }): ModelMetadata => ({ ...modelMetadata(session.model, val(lastBegun(position)), metrics), ...origin })
  const save = async (best?: ModelMetadata): Promise<void> => {
    savedAt = now()
    if (losses.first || taken === position) return // losses that are not finite may have spoiled the weights
    taken = position
    const optimizer = session.describeOptimizer?.(lr)
    await saves?.snapshot(session, { ...metadata(), ...(settings && { settings }), position, running, ...(optimizer && { optimizer }), best: bestSoFar.best ?? null, patience: earlyStopping?.state ?? null }, best)
  }
  const allWritten = async function* (): AsyncGenerator<TrainingEvent> {
    await saves?.finish()
    if (saves) yield* saves.written()
  }
  const step = (batch: Batch): Promise<TrainStepResult> => session.trainStep(batch, { lr }).catch((error: unknown) => Promise.reject(explainOutOfMemory(error, batch, saves?.lastGood) as Error))

  yield {
    type: 'start', device: session.device, precision: session.precision, precisionReason: session.precisionReason, model: session.model, weights: origin.weights?.name ?? null,
    train: train.dataset.length, val: val(position.epoch).dataset.length, epochs, steps: train.length, notes: options.notes ?? [],
  }
  if (resume) yield { type: 'resume', epoch: position.epoch + 1, step: position.step, from: resume.from, finished: position.epoch >= epochs || earlyStopping?.shouldStop === true }

  try {
    while (position.epoch < epochs && !signal?.aborted) {
      if (earlyStopping?.shouldStop) {
        reason = 'early-stopping'
        break
      }
      const epoch = position.epoch + 1
      const began = now()
      let stepBegan = began
      for await (const batch of train.epoch(position.epoch, { from: position.step })) {
        lr = schedule(position.appliedSteps)
        const sums = await step(batch)
        const ended = now()
        const finite = Number.isFinite(sums.loss)
        // Reading a step's numbers waits for no backward pass, so that it was skipped is told by the step after it.
        if (sums.skipped > 0) yield { type: 'step-skipped', ...stepBefore(position, train), scale: sums.scale }
        position = { ...position, step: batch.step + 1, appliedSteps: position.appliedSteps + sums.steps - sums.skipped, images: position.images + batch.size }
        if (finite) running = { loss: running.loss + sums.loss, correct: running.correct + sums.correct, images: running.images + sums.images }
        yield* newlySkipped(train, told.train)
        yield { type: 'step', epoch, step: position.step, loss: sums.loss / sums.images, lr, scale: sums.scale, imagesPerSecond: (batch.size * 1000) / since(stepBegan, ended) }
        if (finite || !overflowIsSkipped(session, sums)) losses.update(finite ? undefined : { epoch, step: position.step, images: namesOf(batch, train) })
        if (!finite && losses.first) yield { type: 'not-finite', epoch, step: position.step, images: namesOf(batch, train) }
        if (losses.isOver) yield* allWritten()
        if (losses.isOver) throw losses.error(saves?.lastGood)
        if (saves) yield* saves.written()
        if (signal?.aborted) break
        if (since(savedAt, ended) > saveEvery && saves?.busy === false) await save()
        if (ended < savedAt) savedAt = ended // the clock was set back
        stepBegan = now()
      }
      if (signal?.aborted) break
      const loader = val(position.epoch)
      const scored = await scoreUnlessAborted(session, loader, saves, signal)
      yield* newlySkipped(loader, told.val)
      if (!scored) break

      const metrics = { train: { loss: running.loss / running.images, top1: running.correct / running.images }, val: { loss: scored.loss, top1: scored.top1, count: scored.count } }
      const improved = bestSoFar.update(epoch, metrics)
      earlyStopping?.update(monitored(monitor, metrics))
      position = { ...position, epoch, step: 0 }
      running = NOTHING
      yield { type: 'epoch', epoch, ...metrics, improved, seconds: since(began, now()) / 1000 }
      await save(improved ? metadata({ ...metrics.val, epoch }) : undefined)
    }

    if (signal?.aborted) {
      reason = 'aborted'
      await save()
    }
    yield* allWritten()
    if (losses.first && reason === 'completed') throw losses.error(saves?.lastGood)
  } finally {
    await saves?.finish() // whatever ends it, what was taken is written
  }
  const best = bestSoFar.best
  yield { type: 'stop', reason, epochs: position.epoch, ...(best && { best: { epoch: best.epoch, metrics: best.metrics } }) }
  signal?.throwIfAborted()
}

/** Milliseconds; at least a little, should the clock be set back. */
function since(began: number, ended: number): number {
  return Math.max(ended - began, 0.001)
}

async function scoreUnlessAborted(session: Scorer, loader: DataLoader, saves: BackgroundSaves | undefined, signal: AbortSignal | undefined): Promise<Metrics | undefined> {
  const evalStep = (batch: Batch) => session.evalStep(batch).catch((error: unknown) => Promise.reject(explainOutOfMemory(error, batch, saves?.lastGood) as Error))
  try {
    return await evaluate({ evalStep }, loader, signal ? { signal } : {})
  } catch (error) {
    if (signal?.aborted) return undefined
    throw error
  }
}

/** The epoch, from 0, that a position lies in or at the end of. */
function lastBegun({ epoch, step }: Position): number {
  return step > 0 ? epoch : Math.max(0, epoch - 1)
}

/** Broken images that the loader has met since it was last asked. */
function* newlySkipped(loader: DataLoader, told: Set<string>): Generator<TrainingEvent> {
  for (const { path, code, message } of loader.skipped) {
    if (told.has(path)) continue
    told.add(path)
    yield { type: 'image-skipped', path, code, message }
  }
}

/** Whether a loss that is not finite will mend itself: fp16's scaler passes over such steps, and a smaller scale may do. */
function overflowIsSkipped({ precision }: Trainable, { scale }: TrainStepResult): boolean {
  return precision === 'fp16' && scale >= 1
}

/** The step that ended at a position, as events count. */
function stepBefore({ epoch, step }: Position, { length }: DataLoader): { readonly epoch: number; readonly step: number } {
  return step > 0 ? { epoch: epoch + 1, step } : { epoch, step: length }
}

function namesOf({ indices }: Batch, { dataset }: DataLoader): string[] {
  return [...indices].map((index) => dataset.name?.(index) ?? `image ${index}`)
}
