import { argumentError } from '../errors.js'
import type { Batch } from '../loader/batch.js'
import type { DataLoader } from '../loader/data-loader.js'
import { type Monitor, monitorMode, MONITORS } from '../metrics/metrics.js'
import type { ModelName } from '../models/catalogue.js'
import {
  abortSignal, anObject, callback, checkFields, type Fields, integerField, list, numberField, oneOfField, required, text, withMethods,
} from '../options/checks.js'
import { constant, type Schedule } from '../recipes/schedules.js'
import type { CheckpointWriter, Savable } from '../runs/checkpoint-store.js'
import type { ModelMetadata, TrainingMetadata } from '../runs/model-metadata.js'
import type { TrainStepOptions, TrainStepResult } from '../session/session.js'
import type { EarlyStopping } from './early-stopping.js'
import type { Scorer } from './evaluate.js'

/** What the loop needs of a session: easy to stand in for. */
export interface Trainable extends Scorer, Savable {
  readonly model: ModelName
  readonly device: string
  readonly precision: string
  readonly precisionReason: string
  readonly lr: number
  trainStep(batch: Batch, options?: TrainStepOptions): Promise<TrainStepResult>
}

export interface FitOptions {
  readonly train: DataLoader
  /** One loader, or a function that returns each epoch's, from 0: one of another size. */
  readonly val: DataLoader | ((epoch: number) => DataLoader)
  readonly epochs: number
  /** Learning rate of each step that is applied, from 0. @default the learning rate of the session's optimizer, constant */
  readonly schedule?: Schedule
  /** Decides the best epoch, ties by `val/loss`; what early stopping watches. @default 'val/loss' */
  readonly monitor?: Monitor
  readonly earlyStopping?: EarlyStopping | undefined
  /**
   * Where `best` goes on each improvement, and `last` at the end of each epoch and when aborted. Training waits for a copy
   * of the state, not for the writing; a write that fails ends it. Before the generator ends, all is written.
   */
  readonly checkpoints?: CheckpointWriter
  /** Also saves `last` when this long has passed since it was saved. @default only at the end of an epoch */
  readonly saveEveryMinutes?: number
  /** Kept in the model files. */
  readonly origin?: Pick<ModelMetadata, 'weights' | 'data'>
  /** Kept in `last`, for a resumed run to compare. */
  readonly settings?: TrainingMetadata['settings']
  /** For the `start` event. */
  readonly notes?: readonly string[]
  /** A saved position to go on from; the session must hold its state already. */
  readonly resume?: ResumePoint | undefined
  /** Finishes the step, saves, and rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

export interface ResumePoint {
  /** The file that the state was loaded from. */
  readonly from: string
  readonly metadata: TrainingMetadata
}

const LOADER = withMethods('a DataLoader', 'epoch')
const TRAINABLE = withMethods('a session', 'trainStep', 'evalStep')
const FIELDS: Fields<FitOptions> = {
  train: required(LOADER),
  val: required((value, name) => (typeof value === 'function' ? undefined : LOADER(value, name))),
  epochs: required(integerField({ min: 1 })),
  schedule: callback,
  monitor: oneOfField(MONITORS),
  earlyStopping: withMethods('an EarlyStopping', 'update'),
  checkpoints: withMethods('a CheckpointStore', 'saveBest', 'saveLast'),
  saveEveryMinutes: numberField({ above: 0 }),
  origin: anObject,
  settings: anObject,
  notes: list(text('a line')),
  resume: anObject,
  signal: abortSignal,
}

type Decided = 'schedule' | 'monitor' | 'saveEveryMinutes' | 'origin' | 'notes'

/** Checked options, with their defaults. */
export interface LoopOptions extends Omit<FitOptions, 'val' | Decided>, Required<Pick<FitOptions, Decided>> {
  /** The validation images that an epoch, from 0, is scored on. */
  readonly valAt: (epoch: number) => DataLoader
}

/** @throws ERR_ARGUMENT */
export function resolveFitOptions(session: Trainable, options: FitOptions): LoopOptions {
  TRAINABLE(session, 'session')
  checkFields<FitOptions>(options, FIELDS, 'fit')
  const { val, schedule = constant(session.lr), monitor = 'val/loss', ...others } = options
  const { saveEveryMinutes = Infinity, origin = {}, notes = [], ...rest } = others
  const mode = monitorMode(monitor)
  if (rest.earlyStopping && rest.earlyStopping.mode !== mode) {
    throw argumentError(`mode '${mode}', which ${monitor} needs,`, 'earlyStopping', rest.earlyStopping.mode)
  }
  const valAt = (epoch: number): DataLoader => {
    const loader = typeof val === 'function' ? val(epoch) : val
    LOADER(loader, 'val')
    return loader
  }
  return { ...rest, schedule, monitor, saveEveryMinutes, origin, notes, valAt }
}
