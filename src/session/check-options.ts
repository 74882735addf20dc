import { argumentError, TorchgraftError } from '../errors.js'
import { booleanField, type Check, type Fields, fieldsOf, integerField } from '../options/checks.js'
import { list, numberField, oneOfField, required } from '../options/checks.js'
import { KERNELS, MEMORY_FORMATS, PRECISIONS } from './options.js'
import type { GradScalerOptions, LossOptions, OptimizerOptions, ParameterGroup, SessionOptions } from './options.js'
import { MODEL_NAMES, type ModelName } from '../models/catalogue.js'

/** A device's name, whether or not this machine has the device. @throws ERR_ARGUMENT */
export const aDevice: Check = (value, name) => {
  if (typeof value === 'string' && /^(?:auto|cpu|cuda(?::\d{1,4})?)$/.test(value)) return
  const one = typeof value === 'string' && SEVERAL.test(value) ? ' (one device: several are for the command line of training alone)' : ''
  throw argumentError(`auto, cpu, cuda or cuda:N${one}`, name, value)
}
/** As the command line of training takes it. */
const SEVERAL = /^(?:cpu:\d+|cuda:all|cuda:\d+(?:,cuda:\d+)+)$/
export const aModel: Check = (value) => void checkModel(value)
const FROM_0_TO_1 = numberField({ min: 0, max: 1 })
const beta: Check = (value, name) => {
  FROM_0_TO_1(value, name)
  if (value === 1) throw argumentError('a number from 0 to below 1', name, value)
}
const ABOVE_0 = numberField({ above: 0 })
const share: Check = (value, name) => {
  ABOVE_0(value, name)
  if ((value as number) >= 1) throw argumentError('a number between 0 and 1', name, value)
}
const pattern: Check = (value, name) => {
  if (!(value instanceof RegExp) && typeof value !== 'function') throw argumentError('a regular expression or a function', name, value)
}
const cacheBytes: Check = (value, name) => {
  if (value === 'auto') return
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw argumentError('auto or a number of 0 or more', name, value)
}
const GROUP_FIELDS: Fields<ParameterGroup> = {
  match: required(pattern),
  lrScale: numberField({ min: 0 }),
  weightDecay: numberField({ min: 0 }),
}
const OPTIMIZER_FIELDS: Fields<OptimizerOptions> = {
  type: oneOfField(['adam', 'adamw']),
  lr: numberField({ min: 0 }),
  betas: list(beta, 2, 'two numbers'),
  eps: numberField({ min: 0 }),
  weightDecay: numberField({ min: 0 }),
  fused: booleanField,
  groups: list(fieldsOf(GROUP_FIELDS, 'optimizer.groups')),
}
const SCALER_FIELDS: Fields<GradScalerOptions> = {
  initScale: numberField({ above: 0 }),
  growthFactor: numberField({ above: 1 }),
  backoffFactor: share,
  growthInterval: integerField({ min: 1 }),
}
const LOSS_FIELDS: Fields<LossOptions> = {
  labelSmoothing: numberField({ min: 0, max: 1 }),
  classWeights: list(numberField({ min: 0 })),
}

/** What each option of a session takes. */
export const SESSION_FIELDS: Fields<SessionOptions> = {
  model: required(aModel),
  classes: required(integerField({ min: 1, max: 1_000_000 })),
  device: aDevice,
  precision: oneOfField(PRECISIONS),
  scorePrecision: oneOfField(['same', 'fp32']),
  allowSlow: booleanField,
  memoryFormat: oneOfField(MEMORY_FORMATS),
  kernels: oneOfField(KERNELS),
  cudnnBenchmark: booleanField,
  threads: integerField({ min: 1, max: 1024 }),
  cacheBytes,
  seed: integerField({ min: 0 }),
  optimizer: fieldsOf(OPTIMIZER_FIELDS, 'optimizer'),
  scaler: fieldsOf(SCALER_FIELDS, 'scaler'),
  loss: fieldsOf(LOSS_FIELDS, 'loss'),
  clipNorm: numberField({ above: 0 }),
  freeze: oneOfField(['none', 'trunk', 'batch-norm-statistics']),
}

/** @throws ERR_MODEL_UNKNOWN, naming those that there are */
export function checkModel(model: unknown): ModelName {
  const found = MODEL_NAMES.find((name) => name === model)
  if (found) return found
  throw new TorchgraftError('ERR_MODEL_UNKNOWN', `There is no model ${JSON.stringify(model)}. The models are ${MODEL_NAMES.join(', ')}`)
}
