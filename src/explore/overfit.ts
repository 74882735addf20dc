import type { Batch } from '../loader/batch.js'
import { findContradictions } from '../datasets/contradictions.js'
import type { ImageFolder } from '../datasets/image-folder.js'
import { TorchgraftError } from '../errors.js'
import { callback, checkFields, type Fields, integerField } from '../options/checks.js'
import { local, type LocalPath } from '../options/local-path.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { isOnGpu } from '../session/resolve-options.js'
import { Session } from '../session/session.js'
import { decideMeanStd } from '../recipes/notebook/mean-std.js'
import { DATA, trainFields } from '../train/options/checks.js'
import type { TrainOptions } from '../recipes/options.js'
import { resolveOptions } from '../train/options/resolve.js'
import { RECIPE_OF } from '../recipes/by-name.js'
import { beginModel, openInitialWeights } from '../models/weights/initial-weights.js'
import { judge, type Verdict } from './overfit-verdict.js'

/** The notebook's optimizer for this: `Adam(lr=3e-4, weight_decay=.001)`. */
const LR = 3e-4
const WEIGHT_DECAY = 1e-3

type Shared = 'recipe' | 'model' | 'weights' | 'batchSize' | 'size' | 'lr' | 'val' | 'seed' | 'freeze' | 'meanStd' | 'device' | 'precision' | 'memoryFormat' | 'threads' | 'strictImages' | 'followLinks' | 'signal'

/** As of training, but for a learning rate of 3e-4 and fp32 unless told otherwise. */
export interface OverfitOptions extends Pick<TrainOptions, Shared> {
  readonly data: LocalPath
  /** @default 100 */
  readonly steps?: number
  readonly onStart?: (start: OverfitStart) => void
  readonly onStep?: (step: OverfitStep) => void
}

const FIELDS: Fields<OverfitOptions> = {
  ...trainFields('recipe', 'model', 'weights', 'batchSize', 'size', 'lr', 'val', 'seed', 'freeze', 'meanStd', 'device', 'precision', 'memoryFormat', 'threads', 'strictImages', 'followLinks', 'signal'),
  data: DATA, steps: integerField({ min: 2, max: 1_000_000 }), onStart: callback, onStep: callback,
}

export interface OverfitStart {
  readonly model: string
  readonly images: number
  /** Different classes in the batch. */
  readonly classes: number
  readonly device: string
  readonly precision: string
  readonly notes: readonly string[]
}

export interface OverfitStep {
  /** From 1. */
  readonly step: number
  /** Mean over the batch, before the step. */
  readonly loss: number
  readonly correct: number
}

export interface OverfitResult extends Verdict {
  readonly steps: readonly OverfitStep[]
  /** Of the batch, relative to the data folder. */
  readonly images: readonly string[]
}

/**
 * The notebook's sanity check by itself: one batch of training images, many steps, on a model of its own that is thrown
 * away. A model that cannot learn one batch by heart will learn nothing.
 *
 * @throws what training throws about data, weights and devices; `signal.reason` when aborted
 */
export async function overfit(options: OverfitOptions): Promise<OverfitResult> {
  checkFields<OverfitOptions>(options, FIELDS, 'overfit')
  const { data, onStart, onStep, signal, steps: count = 100, ...rest } = local(options)
  const resolved = resolveOptions({ lr: LR, precision: 'fp32', ...rest })
  await setUpAtFirstUse()
  const recipe = RECIPE_OF[resolved.recipe]
  const sets = await recipe.openTrainVal(data, resolved, signal)
  const fitting = { ...resolved, progressiveResizing: false, batchSize: Math.min(resolved.batchSize, sets.train.length) }
  const meanStd = await decideMeanStd(sets.train, { ...fitting, signal })
  await using loaders = recipe.loaders(fitting, sets, meanStd)
  await using weights = resolved.weights === null ? null : await openInitialWeights(resolved.weights)
  const wanted = recipe.sessionOptions(resolved, sets.classes.length, sets.classes.map(() => 1), isOnGpu(resolved.device))
  await using session = await Session.create({ ...wanted, loss: {}, optimizer: { type: 'adam', lr: resolved.lr, weightDecay: WEIGHT_DECAY } })
  const notes = await beginModel(session, weights, sets.classes)

  const batch = await firstBatch(loaders.train.epoch(0, signal ? { signal } : {}), data)
  const images = [...batch.indices].map((index) => sets.train.name(index))
  onStart?.({ model: session.model, images: batch.size, classes: new Set(batch.labels).size, device: session.device, precision: session.precision, notes: [...sets.notes, ...notes] })
  const steps: OverfitStep[] = []
  for (let step = 1; step <= count; step++) {
    const { loss, correct } = await session.trainStep(batch)
    signal?.throwIfAborted()
    const told = { step, loss: loss / batch.size, correct }
    steps.push(told)
    onStep?.(told)
    if (!Number.isFinite(loss)) break
  }
  return { ...judge(steps, { size: batch.size, ...about(batch, sets.train), resolved }), steps, images }
}

async function firstBatch(batches: AsyncIterable<Batch>, data: string): Promise<Batch> {
  for await (const batch of batches) return batch
  throw new TorchgraftError('ERR_IMAGE_DECODE', `None of the first images in ${data} can be read: "torchgraft stats" says why for each`, { path: data })
}

/** What may keep a batch from being learned. */
function about({ indices, labels = new Int32Array() }: Batch, train: ImageFolder): { readonly classes: number; readonly contradictions: readonly string[] } {
  const images = Array.from(indices, (index, i) => ({ path: train.name(index), label: String(labels[i] ?? 0), hash: train.key(index) }))
  const contradictions = findContradictions(images).map((same) => same.map(({ path }) => path).join(' and '))
  return { classes: new Set(labels).size, contradictions }
}
