import { argumentError } from '../../errors.js'
import {
  abortSignal, booleanField, callback, type Check, checkFields, type Fields, integerField, MEAN, numberField, oneOfField, orNull, required,
  STD,
} from '../../options/checks.js'
import { aPath, type Local, local } from '../../options/local-path.js'
import { MONITORS } from '../../metrics/metrics.js'
import { aDevice, aModel } from '../../session/check-options.js'
import { KERNELS, MEMORY_FORMATS, PRECISIONS } from '../../session/options.js'
import { type MeanStd, RECIPES, type TrainOptions } from '../../recipes/options.js'

const FOLDER = aPath('a folder of images')
const FRACTION_OR_FOLDER = 'a fraction between 0 and 1, or a folder,'
const VAL_FOLDER = aPath(FRACTION_OR_FOLDER)

const fractionOrFolder: Check = (value, name) => {
  if (typeof value !== 'number') VAL_FOLDER(value, name)
  else if (!(value > 0 && value < 1)) throw argumentError(FRACTION_OR_FOLDER, name, value)
}

const MEAN_STD_FIELDS: Fields<MeanStd> = { mean: required(MEAN), std: required(STD) }
const meanStd: Check = (value, name) => {
  if (typeof value === 'object' && value !== null) checkFields<MeanStd>(value, MEAN_STD_FIELDS, 'train', `${name}.`)
  else oneOfField(['data', 'notebook', 'imagenet'])(value, name)
}

/** What each option of training takes. Those that depend on each other are checked where they are resolved. */
export const TRAIN_FIELDS: Fields<TrainOptions> = {
  recipe: oneOfField(RECIPES),
  data: FOLDER,
  output: aPath('a folder'),
  model: aModel,
  weights: orNull(aPath('a name, a file or null')),
  epochs: integerField({ min: 1, max: 100_000 }),
  batchSize: integerField({ min: 1, max: 65_536 }),
  size: integerField({ min: 32, max: 2048 }),
  progressiveResizing: booleanField,
  lr: numberField({ above: 0 }),
  val: fractionOrFolder,
  seed: integerField({ min: 0 }),
  monitor: oneOfField(MONITORS),
  patience: orNull(integerField({ min: 1 })),
  freeze: oneOfField(['none', 'trunk']),
  classWeights: oneOfField(['none', 'balanced']),
  meanStd,
  sanitySteps: integerField({ min: 0, max: 100_000 }),
  device: aDevice,
  precision: oneOfField(PRECISIONS),
  memoryFormat: oneOfField(MEMORY_FORMATS),
  kernels: oneOfField(KERNELS),
  cudnnBenchmark: booleanField,
  threads: integerField({ min: 1, max: 1024 }),
  syncBatchNorm: booleanField,
  strictImages: booleanField,
  followLinks: booleanField,
  saveEveryMinutes: numberField({ above: 0 }),
  resume: booleanField,
  signal: abortSignal,
  onEvent: callback,
  onProgress: callback,
}

/** Checks the options of training, and makes their URLs paths. @throws ERR_ARGUMENT, ERR_MODEL_UNKNOWN */
export function checkTrainOptions(options: unknown): Local<TrainOptions> {
  checkFields<TrainOptions>(options, TRAIN_FIELDS, 'train')
  return local(options)
}

/** The data folder where there is no run to resume: it cannot be left out. */
export const DATA = required(FOLDER)

/** The checks of some of training's options. */
export function trainFields<Name extends keyof TrainOptions>(...names: readonly Name[]): Fields<Pick<TrainOptions, Name>> {
  return Object.fromEntries(names.map((name) => [name, TRAIN_FIELDS[name]])) as Fields<Pick<TrainOptions, Name>>
}
