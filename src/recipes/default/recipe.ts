import { IMAGENET_MEAN, IMAGENET_STD } from '../../augment/normalization.js'
import { evalTransform, trainTransform } from '../../augment/transforms.js'
import { openTrainVal } from '../../datasets/train-val.js'
import { DataLoader } from '../../loader/data-loader.js'
import { ValLoaders } from '../../loader/val-loaders.js'
import { strideOf } from '../../models/model-graph.js'
import type { SessionOptions } from '../../session/options.js'
import { balancedWeights } from '../class-weights.js'
import { COMMON_DEFAULTS, type ResolvedOptions } from '../options.js'
import { joinLoaders, optionOfRecipe, type Recipe } from '../recipe.js'
import { warmupCosine } from '../schedules.js'
import { sizeInEpoch, sizeSteps } from './progressive-sizes.js'

/** Decoupled weight decay, for all but norms and biases. */
const WEIGHT_DECAY = 0.02
const LABEL_SMOOTHING = 0.1
/** The new head begins from nothing, so it may learn faster than what is pretrained. */
const HEAD_LR_SCALE = 2

/** What design and measurements found best for a few epochs from pretrained weights. */
export const DEFAULT_RECIPE: Recipe = {
  defaults: {
    ...COMMON_DEFAULTS, model: 'regnet_y_400mf', epochs: 12, batchSize: 32, monitor: 'val/top1', patience: null,
    meanStd: 'imagenet', followLinks: false,
  },
  checkOptions({ meanStd, sanitySteps }) {
    if (meanStd !== 'imagenet') throw optionOfRecipe('notebook', 'meanStd', meanStd)
    if (sanitySteps > 0) throw optionOfRecipe('notebook', 'sanitySteps', sanitySteps)
  },
  openTrainVal: (data, { val, seed, followLinks }, signal) => openTrainVal(data, { val, seed, followLinks, ...(signal && { signal }) }),
  splitSeed: ({ seed }) => seed,
  sessionOptions,
  meanStd: () => Promise.resolve({ mean: IMAGENET_MEAN, std: IMAGENET_STD }),
  loaders(options, sets, { mean, std }, sharing) {
    const { batchSize, size, seed, epochs, strictImages } = options
    const common = { batchSize, seed, mean, std, strict: strictImages, ...sharing }
    const sizeOf = sizeInEpoch(options, strideOf(options.model))
    // What does not fit into memory fails at the first step, not after hours of smaller ones.
    const sizeAt = (epoch: number, step: number): number => (epoch + step === 0 ? size : sizeOf(epoch))
    // A last batch of another shape would cost new plans in libtorch, and batch norm learns little from a few images.
    const dropLast = sets.train.length > batchSize
    return joinLoaders(
      new DataLoader(sets.train, { ...common, size, sizeAt, transform: trainTransform(), shuffle: true, dropLast, epochs }),
      new ValLoaders((scored) => new DataLoader(sets.val, { ...common, size: scored, transform: evalTransform() }), sizeOf),
    )
  },
  sizes: (options) => sizeSteps(options, strideOf(options.model)),
  /** One epoch of warm-up, then cosine to 0. */
  schedule: ({ epochs, lr }, stepsPerEpoch) => warmupCosine({ lr, steps: stepsPerEpoch * epochs, warmup: epochs > 1 ? stepsPerEpoch : 0 }),
}

export function sessionOptions(options: ResolvedOptions, classes: number, counts: readonly number[]): SessionOptions {
  const { model, device, precision, memoryFormat, kernels, cudnnBenchmark, threads, seed, freeze, lr } = options
  return {
    model,
    classes,
    device,
    precision,
    kernels,
    cudnnBenchmark,
    ...(memoryFormat && { memoryFormat }),
    ...(threads !== null && { threads }),
    seed,
    freeze,
    optimizer: {
      type: 'adamw',
      lr,
      weightDecay: WEIGHT_DECAY,
      groups: [
        { match: ({ head, role }) => head && role === 'weight', lrScale: HEAD_LR_SCALE },
        { match: ({ head }) => head, lrScale: HEAD_LR_SCALE, weightDecay: 0 },
        { match: ({ role }) => role !== 'weight', weightDecay: 0 },
      ],
    },
    loss: { labelSmoothing: LABEL_SMOOTHING, ...(options.classWeights === 'balanced' && { classWeights: balancedWeights(counts) }) },
  }
}
