import type { Batch } from '../loader/batch.js'
import { findContradictions } from '../datasets/contradictions.js'
import type { ImageFolder } from '../datasets/image-folder.js'
import { TorchgraftError } from '../errors.js'
import { callback, checkFields, type Fields, integerField } from '../options/checks.js'
import { local, type LocalPath } from '../options/local-path.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { Session } from '../session/session.js'
import { DATA, trainFields } from '../train/options/checks.js'
import type { TrainOptions } from '../recipes/options.js'
import { resolveOptions } from '../train/options/resolve.js'
import { openTraining, openWeights, sessionOptionsOf } from '../train/open-training.js'
import { beginModel } from '../models/weights/initial-weights.js'
import { type Circumstances, judge, type OverfitStep, type Verdict } from './overfit-verdict.js'

/** The notebook's optimizer for this: `Adam(lr=3e-4, weight_decay=.001)`. */
const LR = 3e-4
const WEIGHT_DECAY = 1e-3

const SHARED = [
  'recipe', 'model', 'weights', 'batchSize', 'size', 'lr', 'val', 'seed', 'freeze', 'meanStd', 'device', 'precision',
  'memoryFormat', 'threads',   'strictImages', 'followLinks', 'signal',
] as const satisfies readonly (keyof TrainOptions)[]

/** As of training, but for a learning rate of 3e-4 and fp32 where none are given. */
export interface OverfitOptions extends Pick<TrainOptions, (typeof SHARED)[number]> {
  readonly data: LocalPath
  /** @default 100 */
  readonly steps?: number
  readonly onStart?: (start: OverfitStart) => void
  readonly onStep?: (step: OverfitStep) => void
}

const FIELDS: Fields<OverfitOptions> = {
  ...trainFields(...SHARED), data: DATA, steps: integerField({ min: 2, max: 1_000_000 }), onStart: callback, onStep: callback,
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
export async function overfit(given: OverfitOptions): Promise<OverfitResult> {
  checkFields<OverfitOptions>(given, FIELDS, 'overfit')
  const { data, onStart, onStep, signal, steps: count = 100, ...rest } = local(given)
  const resolved = resolveOptions({ lr: LR, precision: 'fp32', ...rest })
  await setUpAtFirstUse()
  const training = await openTraining(data, resolved, signal)
  const { recipe, sets } = training
  const fitting = { ...resolved, progressiveResizing: false, batchSize: Math.min(resolved.batchSize, sets.train.length) }
  await using loaders = recipe.loaders(fitting, sets, await recipe.meanStd(sets.train, fitting, { signal }))
  await using weights = await openWeights(resolved)
  const optimizer = { type: 'adam', lr: resolved.lr, weightDecay: WEIGHT_DECAY } as const
  await using session = await Session.create({ ...sessionOptionsOf(training), loss: {}, optimizer })
  const notes = await beginModel(session, weights, sets.classes)

  const batch = await firstBatch(loaders.train.epoch(0, { signal }), data)
  const { model, device, precision } = session
  onStart?.({ model, images: batch.size, classes: new Set(batch.labels).size, device, precision, notes: [...sets.notes, ...notes] })
  const steps: OverfitStep[] = []
  for (let step = 1; step <= count; step++) {
    const { loss, correct } = await session.trainStep(batch)
    signal?.throwIfAborted()
    const done = { step, loss: loss / batch.size, correct }
    steps.push(done)
    onStep?.(done)
    if (!Number.isFinite(loss)) break
  }
  const verdict = judge(steps, { size: batch.size, ...describeBatch(batch, sets.train), resolved })
  return { ...verdict, steps, images: [...batch.indices].map((index) => sets.train.name(index)) }
}

async function firstBatch(batches: AsyncIterable<Batch>, data: string): Promise<Batch> {
  for await (const batch of batches) return batch
  throw new TorchgraftError('ERR_IMAGE_DECODE', `None of the first images in ${data} can be read: "torchgraft stats" says why for each`, { path: data })
}

/** What may keep a batch from being learned. */
type Described = Pick<Circumstances, 'classes' | 'contradictions'>

function describeBatch({ indices, labels = new Int32Array() }: Batch, train: ImageFolder): Described {
  const images = Array.from(indices, (index, i) => ({ path: train.name(index), label: String(labels[i] ?? 0), hash: train.key(index) }))
  const contradictions = findContradictions(images).map((same) => same.map(({ path }) => path).join(' and '))
  return { classes: new Set(labels).size, contradictions }
}
