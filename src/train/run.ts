import { join, resolve } from 'node:path'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { processorName } from '../addon/processor.js'
import { fingerprint } from '../datasets/train-val.js'
import type { SkippedFile } from '../datasets/skipped-file.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { beginModel, type InitialWeights } from '../models/weights/initial-weights.js'
import type { Local } from '../options/local-path.js'
import { packageVersion } from '../package.js'
import type { MeanStd, TrainOptions } from '../recipes/options.js'
import type { BeforeTraining, PretrainedState, RecipeHead } from '../recipes/recipe.js'
import type { CheckpointWriter } from '../runs/checkpoint-store.js'
import type { ModelMetadata } from '../runs/model-metadata.js'
import { RunFolder, type RunSplit } from '../runs/run-folder.js'
import type { SessionOptions } from '../session/options.js'
import type { Session } from '../session/session.js'
import { whileWarmingUp } from '../session/warm-up.js'
import { plural } from '../text/plural.js'
import type { ResumePoint } from './fit-options.js'
import { leftOut } from './notes.js'
import { openTraining, openWeights, type Training } from './open-training.js'
import { resolveOptions, withAbsolutePaths } from './options/resolve.js'
import { agreeOnData } from './ranks/agree-data.js'
import { checkBatchSize } from './ranks/batch-size.js'
import type { Place } from './ranks/place.js'
import { launchOf } from './ranks/restart.js'
import { splitOf } from './resume/splits.js'

/** A run that is ready to train. New and resumed ones have one shape, so that training is the same for both. */
export interface Run extends Training, AsyncDisposable {
  /** Where it is written down: by rank 0 alone. */
  readonly folder: RunFolder | undefined
  /** The folder's path, on rank 0's machine. */
  readonly output: string
  /** The data folder, absolute. */
  readonly data: string
  readonly split: RunSplit
  /** The training and validation images, for the model files. */
  readonly images: NonNullable<ModelMetadata['data']>
  /** What `auto` became when a resumed run began: it goes on so, whatever it would become on this machine. */
  readonly computing: Pick<SessionOptions, 'device' | 'precision' | 'memoryFormat' | 'threads'>
  /** What a resumed run normalizes with. */
  readonly meanStd: MeanStd | undefined
  readonly state: RunState
}

/** What rank 0 tells the others of a run when it begins. */
export type RunBeginning = Pick<Run, 'data' | 'output' | 'resolved'>

/** What a session's loading writes. */
export type LoadedPart = 'model' | 'training'

/** The state that training goes on from: initial weights, or a checkpoint. */
export interface RunState {
  /** The weights that training began from, once; null from scratch. */
  readonly weights: NonNullable<ModelMetadata['weights']> | null
  /** What the recipe does before training. */
  prepare(given: Omit<BeforeTraining, 'head' | 'begin'>): Promise<void>
  /** What `load` writes into the session, each time that it does, so that all ranks load alike. */
  readonly loads: readonly LoadedPart[]
  /** @param loads rank 0's @returns notes for the user */
  load(session: Session, loads: readonly LoadedPart[]): Promise<readonly string[]>
  /** The position that the loop goes on from, with the model files in agreement. */
  resumePoint(writer: CheckpointWriter): Promise<{ readonly point?: ResumePoint; readonly notes: readonly string[] }>
}

/** @throws what opening data and weights throws; ERR_RUN_EXISTS, ERR_RUN_LOCKED, ERR_WRITE */
export async function startRun(options: Local<TrainOptions>, { ranks, computing }: Place): Promise<Run> {
  const resolved = withAbsolutePaths(resolveOptions(options)) // complains before anything is fetched or made
  checkBatchSize(resolved, ranks)
  await setUpAtFirstUse()
  const { data } = options
  if (data === undefined) throw argumentError('a folder of images', 'data', data)
  const folder = await RunFolder.create(options.output, data)
  return disposedOnError(folder, async () => {
    const absolute = resolve(data)
    const beginning = { data: absolute, output: folder.path, resolved }
    const version = { formatVersion: 1, torchgraft: packageVersion() } as const
    await folder.prepare({ ...version, data: absolute, options: resolved, processor: processorName(), ...launchOf(ranks) })
    await ranks.fromFirst('the run', () => beginning)
    const training = await whileWarmingUp(computing?.device ?? resolved.device, () => openTraining(data, resolved, options.signal))
    const described = describeData(data, training)
    await agreeOnData(ranks, absolute, described.split)
    const weights = await openWeights(resolved)
    const state = new InitialState(training, weights)
    return { ...training, ...described, ...beginning, folder, computing: {}, meanStd: undefined, state, ...disposing(weights, folder) }
  })
}

/** A run's images, as its files keep them. @throws ERR_ARGUMENT and others where it cannot train on them */
export function describeData(data: string, { recipe, resolved, sets }: Training): Pick<Run, 'split' | 'images'> {
  recipe.checkTrainVal?.(resolved, sets)
  if (resolved.strictImages) refuseLeftOut(data, leftOut(sets))
  const { classes, train, val } = sets
  return {
    split: splitOf(recipe.splitSeed(resolved), sets),
    images: { fingerprint: fingerprint(classes, [...train.items, ...val.items]), train: train.length, val: val.length },
  }
}

/**
 * With strict images a run takes every image of its folder, or does not begin.
 *
 * @throws the first file's error, with its reason
 */
function refuseLeftOut(data: string, files: readonly SkippedFile[]): void {
  const [first] = files
  if (!first) return
  const path = join(data, first.path)
  const more = files.length > 1 ? ` (and ${plural(files.length - 1, 'more file')}: "torchgraft stats" names them all)` : ''
  const reason = `${first.message}${more}`
  throw new TorchgraftError(first.code, (option) => `${path} would be left out, which ${option('strictImages', true)} forbids: ${reason}`, { path })
}

/** Initial weights and a new head, which the recipe may train before training. */
export class InitialState implements RunState {
  readonly #training: Training
  readonly #weights: InitialWeights | null
  readonly #head: RecipeHead | undefined
  #pretrained: PretrainedState | undefined

  constructor(training: Training, weights: InitialWeights | null) {
    const { recipe, resolved, sets } = training
    this.#training = training
    this.#weights = weights
    this.#head = recipe.head?.(resolved, sets.classes.length)
  }

  get weights(): RunState['weights'] {
    return this.#weights?.origin ?? null
  }

  get loads(): readonly LoadedPart[] {
    if (this.#pretrained) return ['model']
    return [...(this.#weights ? ['model' as const] : []), ...(this.#head ? ['model' as const] : [])]
  }

  async prepare(given: Omit<BeforeTraining, 'head' | 'begin'>): Promise<void> {
    const begin = (session: Session): Promise<string[]> => this.#begin(session)
    this.#pretrained = await this.#training.recipe.beforeTraining?.({ ...given, head: this.#head, begin })
  }

  async load(session: Session): Promise<readonly string[]> {
    if (!this.#pretrained) return this.#begin(session)
    await session.loadStateDict(this.#pretrained.state)
    return this.#pretrained.notes
  }

  resumePoint(): Promise<{ readonly notes: readonly string[] }> {
    return Promise.resolve({ notes: [] })
  }

  #begin(session: Session): Promise<string[]> {
    return beginModel(session, this.#weights, this.#training.sets.classes, this.#head?.tensors)
  }
}

/** Disposes of what is opened where the work with it fails. */
export async function disposedOnError<Result>(opened: AsyncDisposable, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    await opened[Symbol.asyncDispose]()
    throw error
  }
}

/** Disposes of the weights, if any, and then lets go of the folder. */
export function disposing(weights: AsyncDisposable | null, folder: RunFolder): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      try {
        await weights?.[Symbol.asyncDispose]()
      } finally {
        await folder[Symbol.asyncDispose]()
      }
    },
  }
}
