import { abortSignal, anObject, callback, type Fields, withMethods, list, required, numberField, text, integerField, oneOfField } from '../options/checks.js'
import { MONITORS } from '../metrics/metrics.js'
import type { FitOptions } from './fit.js'

export const LOADER = withMethods('a DataLoader', 'epoch')
export const TRAINABLE = withMethods('a session', 'trainStep', 'evalStep')

/** What each option of `fit` takes. */
export const FIT_FIELDS: Fields<FitOptions> = {
  train: required(LOADER),
  val: required((value, name) => (typeof value === 'function' ? undefined : LOADER(value, name))),
  epochs: required(integerField({ min: 1 })),
  schedule: callback,
  monitor: oneOfField(MONITORS),
  earlyStopping: withMethods('an EarlyStopping', 'update'),
  checkpoints: withMethods('a CheckpointStore', 'save'),
  saveEveryMinutes: numberField({ above: 0 }),
  origin: anObject,
  settings: anObject,
  notes: list(text('a line')),
  resume: anObject,
  signal: abortSignal,
  now: callback,
}
