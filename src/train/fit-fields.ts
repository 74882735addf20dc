import { argumentError } from '../errors.js'
import { abortSignal, callback, type Check, type Fields, list, needed, real, text, whole, word } from '../fields.js'
import { MONITORS } from '../metrics/metrics.js'
import type { FitOptions } from './fit.js'

const anObject: Check = (value, name) => {
  if (typeof value !== 'object' || value === null) throw argumentError('an object', name, value)
}
const having = (method: string, what: string): Check => (value, name) => {
  if (typeof (value as Readonly<Record<string, unknown>> | null)?.[method] !== 'function') throw argumentError(what, name, value)
}
const aLoader = needed(having('epoch', 'a DataLoader'))

/** What each option of `fit` takes. */
export const FIT_FIELDS: Fields<FitOptions> = {
  train: aLoader,
  val: aLoader,
  epochs: needed(whole({ min: 1 })),
  schedule: callback,
  monitor: word(MONITORS),
  earlyStopping: having('update', 'an EarlyStopping'),
  checkpoints: having('save', 'a CheckpointStore'),
  saveEveryMinutes: real({ above: 0 }),
  origin: anObject,
  settings: anObject,
  notes: list(text('a line')),
  resume: anObject,
  signal: abortSignal,
  now: callback,
}
