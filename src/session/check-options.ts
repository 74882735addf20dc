import { finite } from '../options/arguments.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { type Check, type Fields, fieldsOf, flag, list, needed, real, whole, word } from '../options/fields.js'
import { type GradScalerOptions, KERNELS, type LossOptions, MEMORY_FORMATS, type OptimizerOptions, type ParameterGroup, PRECISIONS, type SessionOptions } from './options.js'
import { REGNET_VARIANTS, type RegNetVariant } from '../models/variants.js'

/** A device by its name; whether it is there is another question. @throws ERR_ARGUMENT */
export const aDevice: Check = (value, name) => {
  if (typeof value !== 'string' || !/^(?:auto|cpu|cuda(?::\d{1,4})?)$/.test(value)) throw argumentError('auto, cpu, cuda or cuda:N', name, value)
}
export const aModel: Check = (value) => void checkModel(value)
const beta: Check = (value, name) => {
  if (finite(value, name, { min: 0, max: 1 }) === 1) throw argumentError('a number from 0 to below 1', name, value)
}
const share: Check = (value, name) => {
  if (finite(value, name, { above: 0 }) >= 1) throw argumentError('a number between 0 and 1', name, value)
}
const pattern: Check = (value, name) => {
  if (!(value instanceof RegExp)) throw argumentError('a regular expression', name, value)
}
const GROUP_FIELDS: Fields<ParameterGroup> = { match: needed(pattern), lrScale: real({ min: 0 }), weightDecay: real({ min: 0 }) }
const OPTIMIZER_FIELDS: Fields<OptimizerOptions> = {
  type: word(['adam', 'adamw']), lr: real({ min: 0 }), betas: list(beta, 2, 'two numbers'), eps: real({ min: 0 }), weightDecay: real({ min: 0 }), fused: flag, groups: list(fieldsOf(GROUP_FIELDS, 'optimizer.groups')),
}
const SCALER_FIELDS: Fields<GradScalerOptions> = { initScale: real({ above: 0 }), growthFactor: real({ above: 1 }), backoffFactor: share, growthInterval: whole({ min: 1 }) }
const LOSS_FIELDS: Fields<LossOptions> = { labelSmoothing: real({ min: 0, max: 1 }), classWeights: list(real({ min: 0 })) }

/** What each option of a session takes. */
export const SESSION_FIELDS: Fields<SessionOptions> = {
  model: needed(aModel),
  classes: needed(whole({ min: 1, max: 1_000_000 })),
  device: aDevice,
  precision: word(PRECISIONS),
  scorePrecision: word(['same', 'fp32']),
  allowSlow: flag,
  memoryFormat: word(MEMORY_FORMATS),
  kernels: word(KERNELS),
  threads: whole({ min: 1, max: 1024 }),
  seed: whole({ min: 0 }),
  optimizer: fieldsOf(OPTIMIZER_FIELDS, 'optimizer'),
  scaler: fieldsOf(SCALER_FIELDS, 'scaler'),
  loss: fieldsOf(LOSS_FIELDS, 'loss'),
  clipNorm: real({ above: 0 }),
  freeze: word(['none', 'trunk', 'batch-norm-statistics']),
}

/** @throws ERR_MODEL_UNKNOWN, naming those that there are */
export function checkModel(model: unknown): RegNetVariant {
  const found = REGNET_VARIANTS.find((name) => name === model)
  if (found) return found
  throw new TorchgraftError('ERR_MODEL_UNKNOWN', `There is no model ${JSON.stringify(model)}. The models are ${REGNET_VARIANTS.join(', ')}`)
}
