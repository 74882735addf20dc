import { abortSignal, anObject, callback, type Fields, having, list, needed, real, text, whole, word } from '../options/fields.js'
import { MONITORS } from '../metrics/metrics.js'
import type { FitOptions } from './fit.js'

export const LOADER = having('a DataLoader', 'epoch')
export const TRAINABLE = having('a session', 'trainStep', 'evalStep')

/** What each option of `fit` takes. */
export const FIT_FIELDS: Fields<FitOptions> = {
  train: needed(LOADER),
  val: needed((value, name) => (typeof value === 'function' ? undefined : LOADER(value, name))),
  epochs: needed(whole({ min: 1 })),
  schedule: callback,
  monitor: word(MONITORS),
  earlyStopping: having('an EarlyStopping', 'update'),
  checkpoints: having('a CheckpointStore', 'save'),
  saveEveryMinutes: real({ above: 0 }),
  origin: anObject,
  settings: anObject,
  notes: list(text('a line')),
  resume: anObject,
  signal: abortSignal,
  now: callback,
}
