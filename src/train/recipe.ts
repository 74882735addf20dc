import { DataLoader } from '../data/data-loader.js'
import type { ImageFolder } from '../data/image-folder.js'
import { evalTransform, trainTransform } from '../data/transforms.js'
import type { SessionOptions } from '../native/session-options.js'
import { EarlyStopping } from './early-stopping.js'
import { monitorMode } from '../metrics/metrics.js'
import type { ResolvedOptions } from './options.js'
import { type Schedule, warmupCosine } from './schedules.js'

/** Decoupled weight decay, for all but norms and biases. */
const WEIGHT_DECAY = 0.02
const LABEL_SMOOTHING = 0.1
/** The new head begins from nothing, so it may learn faster than what is pretrained. */
const HEAD_LR_SCALE = 2

/** The default recipe: what each part of a run is given. */
export function sessionOptions(options: ResolvedOptions, classes: number, counts: readonly number[]): SessionOptions {
  const { model, device, precision, threads, seed, freeze, lr } = options
  return {
    model,
    classes,
    device,
    precision,
    ...(threads !== null && { threads }),
    seed,
    freeze,
    optimizer: {
      type: 'adamw',
      lr,
      weightDecay: WEIGHT_DECAY,
      groups: [
        { match: /^fc\.weight$/, lrScale: HEAD_LR_SCALE },
        { match: /^fc\.bias$/, lrScale: HEAD_LR_SCALE, weightDecay: 0 },
        { match: /\.1\.weight$|\.bias$/, weightDecay: 0 }, // batch norm is the second in each of torchvision's pairs
      ],
    },
    loss: { labelSmoothing: LABEL_SMOOTHING, ...(options.classWeights === 'balanced' && { classWeights: balancedWeights(counts) }) },
  }
}

export interface Loaders extends AsyncDisposable {
  readonly train: DataLoader
  readonly val: DataLoader
}

export function makeLoaders(options: ResolvedOptions, sides: { readonly train: ImageFolder; readonly val: ImageFolder }): Loaders {
  const { batchSize, size, seed, epochs, strictImages } = options
  const common = { batchSize, size, seed, strict: strictImages }
  const loaders = {
    // A last batch of another shape would cost new plans in libtorch, and batch norm learns little from a few pictures.
    train: new DataLoader(sides.train, { ...common, transform: trainTransform(), shuffle: true, dropLast: sides.train.length > batchSize, epochs }),
    val: new DataLoader(sides.val, { ...common, transform: evalTransform() }),
  }
  return { ...loaders, [Symbol.asyncDispose]: async () => void (await Promise.all([loaders.train.dispose(), loaders.val.dispose()])) }
}

/** One epoch of warm-up, then cosine to 0. */
export function makeSchedule(options: ResolvedOptions, stepsPerEpoch: number): Schedule {
  const { epochs, lr } = options
  return warmupCosine({ lr, steps: stepsPerEpoch * epochs, warmup: epochs > 1 ? stepsPerEpoch : 0 })
}

export function makeEarlyStopping(options: ResolvedOptions): EarlyStopping | undefined {
  if (options.patience === null) return undefined
  return new EarlyStopping({ patience: options.patience, mode: monitorMode(options.monitor) })
}

/** pictures / (classes × pictures of the class), as scikit-learn's `balanced`. A class without pictures weighs nothing. */
export function balancedWeights(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => (count === 0 ? 0 : total / (counts.length * count)))
}
