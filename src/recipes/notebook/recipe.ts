import { argumentError } from '../../errors.js'
import type { ModelName } from '../../models/catalogue.js'
import type { SessionOptions } from '../../session/options.js'
import { balancedWeights } from '../class-weights.js'
import { COMMON_DEFAULTS, type ResolvedOptions } from '../options.js'
import { optionOfRecipe, type Recipe } from '../recipe.js'
import { constant } from '../schedules.js'
import { withBestModelPth } from './best-model-pth.js'
import { notebookHead } from './head.js'
import { notebookLoaders } from './loaders.js'
import { decideMeanStd } from './mean-std.js'
import { NotebookStatistics } from './pixel-statistics.js'
import { sanityCheck } from './sanity-check.js'
import { NOTEBOOK_SPLIT_SEED, openNotebookSplit } from './split.js'

const MODEL: ModelName = 'regnet_y_16gf'
/** Of that model, as the notebook's `pretrained=True` has it. */
const WEIGHTS = 'regnet_y_16gf-imagenet1k_v1'

/**
 * The recipe of W. Jarrard, "A Look at Transfer Learning in Pytorch" (2022-07-12), number for number. What cannot have been
 * meant is left out: that it loads another file than it saved, and reads its data set through a global.
 */
export const NOTEBOOK_RECIPE: Recipe = {
  defaults: {
    ...COMMON_DEFAULTS, model: MODEL, epochs: 20, batchSize: 64, monitor: 'val/loss', patience: 3, meanStd: 'data', followLinks: true,
  },
  defaultWeights: (model) => (model === MODEL ? WEIGHTS : undefined),
  checkOptions({ progressiveResizing }) {
    if (progressiveResizing) throw optionOfRecipe('default', 'progressiveResizing', progressiveResizing)
  },
  openTrainVal: (data, { val, followLinks }, signal) => openNotebookSplit(data, { val, followLinks, ...(signal && { signal }) }),
  checkTrainVal: ({ batchSize }, { train, val }) => {
    const most = Math.min(train.length, val.length)
    if (batchSize <= most) return
    throw argumentError(`at most ${most}, the images of the smaller set, since the notebook's recipe leaves out a batch that is not full,`, 'batchSize', batchSize)
  },
  splitSeed: () => NOTEBOOK_SPLIT_SEED,
  sessionOptions,
  precisionReason: (gpu) => (gpu ? 'autocast and GradScaler, as the notebook has it' : 'the notebook’s own code computes so on a CPU'),
  meanStd: (train, options, during) => decideMeanStd(train, { ...options, ...during }),
  pixelStatistics: ({ size, batchSize }, images) => new NotebookStatistics(size, Math.min(batchSize, images)),
  loaders: notebookLoaders,
  schedule: ({ lr }) => constant(lr),
  head: ({ model, seed }, classes) => notebookHead(model, classes, seed),
  beforeTraining: sanityCheck,
  wrapStore: withBestModelPth,
}

function sessionOptions(options: ResolvedOptions, classes: number, counts: readonly number[], gpu: boolean): SessionOptions {
  const { model, device, precision, kernels, cudnnBenchmark, threads, seed, freeze, lr, classWeights } = options
  const memoryFormat = options.memoryFormat ?? (gpu ? undefined : 'contiguous')
  return {
    model,
    classes,
    device,
    precision: precision === 'auto' ? (gpu ? 'fp16' : 'fp32') : precision,
    scorePrecision: 'fp32',
    kernels,
    cudnnBenchmark,
    ...(threads !== null && { threads }),
    seed,
    freeze,
    ...(memoryFormat && { memoryFormat }),
    // On a CPU PyTorch's default is not fused, and training magnifies the last bit: with both its losses are the notebook's.
    optimizer: { type: 'adam', lr, fused: gpu || memoryFormat !== 'contiguous' },
    ...(classWeights === 'balanced' && { loss: { classWeights: balancedWeights(counts) } }),
  }
}
