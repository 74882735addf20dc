import type { TrainVal } from '../datasets/describe-splits.js'
import type { ImageFolder } from '../datasets/image-folder.js'
import { argumentError, type TorchgraftError } from '../errors.js'
import type { StateDict } from '../formats/tensor.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'
import type { DataLoader } from '../loader/data-loader.js'
import type { DataLoaderOptions } from '../loader/data-loader-options.js'
import type { ValLoaders } from '../loader/val-loaders.js'
import type { Uint32Generator } from '../random/mt19937.js'
import type { CheckpointStore, CheckpointWriter } from '../runs/checkpoint-store.js'
import type { SizeStep } from '../runs/events.js'
import type { SessionOptions } from '../session/options.js'
import type { Session } from '../session/session.js'
import type { ModelName } from '../models/catalogue.js'
import type { MeanStd, Progress, RecipeDefaults, RecipeName, ResolvedOptions } from './options.js'
import type { Schedule } from './schedules.js'

/** All that one recipe does otherwise than another: a folder holds it, and `by-name.ts` lists it. */
export interface Recipe {
  readonly defaults: RecipeDefaults
  /** Weights of its own for a model that none ship for. */
  defaultWeights?(model: ModelName): string | undefined
  /** @throws ERR_ARGUMENT for an option that it does not have */
  checkOptions(options: Pick<ResolvedOptions, 'meanStd' | 'sanitySteps' | 'progressiveResizing'>): void

  openTrainVal(data: string, options: ResolvedOptions, signal?: AbortSignal): Promise<TrainVal>
  /** @throws ERR_ARGUMENT where a run could not train or score on these sets */
  checkTrainVal?(options: ResolvedOptions, sets: TrainVal): void
  /** The seed of the split, for `split.json`. */
  splitSeed(options: ResolvedOptions): number

  /** @param counts training images of each class @param gpu whether the run will be on one */
  sessionOptions(options: ResolvedOptions, classes: number, counts: readonly number[], gpu: boolean): SessionOptions
  /** Why the precision, where `auto` left it to the recipe. */
  precisionReason?(gpu: boolean): string
  /** What pixels are normalized with: named, or computed over the training set. */
  meanStd(train: ImageFolder, options: ResolvedOptions, during?: Preparation): Promise<MeanStd>
  /** The same over decoded images, to look at a data set. A recipe without it counts every image alike. */
  pixelStatistics?(options: ResolvedOptions, images: number): PixelStatistics
  loaders(options: ResolvedOptions, sets: Pick<TrainVal, 'train' | 'val'>, meanStd: MeanStd, sharing?: Sharing): Loaders
  /** Sizes that images grow through, where they do. A recipe without it has one size. */
  sizes?(options: ResolvedOptions): readonly SizeStep[]
  schedule(options: ResolvedOptions, stepsPerEpoch: number): Schedule

  /** A new head, where it is not to be the session's or that of the weights. */
  head?(options: ResolvedOptions, classes: number): RecipeHead
  /** Trains before training does, in a session of its own: a new run's state, where it is to begin from another. */
  beforeTraining?(given: BeforeTraining): Promise<PretrainedState | undefined>
  /** A store that saves what the recipe saves besides. */
  wrapStore?(store: CheckpointStore): CheckpointWriter
}

/** The part of each batch that loaders give, and the memory that they may take, where several processes share a run. */
export type Sharing = Pick<DataLoaderOptions, 'rank' | 'worldSize' | 'cacheBytes'>

/** What accompanies preparing a run. */
export interface Preparation {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** Computes the mean and standard deviation of pixels in 0–1. */
export interface PixelStatistics {
  /** How images are to be decoded. */
  readonly rule: ResizeRule
  /** The training images one by one, in order; undefined for one that is broken. */
  add(pixels: Pixels | undefined): Promise<void>
  meanStd(): Promise<MeanStd>
}

export interface RecipeHead {
  /** `fc.weight` [classes, features] and `fc.bias` [classes]. */
  readonly tensors: StateDict
  /** The generator, as making the head leaves it. */
  readonly bits: Uint32Generator
}

export interface BeforeTraining extends Preparation {
  readonly options: ResolvedOptions
  /** Of the run's own session. */
  readonly session: SessionOptions
  readonly train: ImageFolder
  readonly meanStd: MeanStd
  readonly head: RecipeHead | undefined
  /** Loads into a session what the run begins from. @returns notes for the user */
  readonly begin: (session: Session) => Promise<readonly string[]>
}

export interface PretrainedState {
  readonly state: StateDict
  readonly notes: readonly string[]
}

export interface Loaders extends AsyncDisposable {
  readonly train: DataLoader
  readonly val: ValLoaders
}

export function joinLoaders(train: DataLoader, val: ValLoaders): Loaders {
  return { train, val, [Symbol.asyncDispose]: async () => void (await Promise.all([train.dispose(), val[Symbol.asyncDispose]()])) }
}

/** The complaint about an option that only another recipe has. */
export function optionOfRecipe(recipe: RecipeName, name: string, value: unknown): TorchgraftError {
  return argumentError((option) => `${option('recipe', recipe)}, which alone has it,`, name, value)
}
