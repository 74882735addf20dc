import type { Rgb } from '../augment/plan.js'
import type { Monitor } from '../metrics/metrics.js'
import type { Device, Kernels, MemoryFormat, Precision } from '../session/options.js'
import type { LocalPath } from '../options/local-path.js'
import type { ModelName } from '../models/catalogue.js'
import type { TrainingEvent } from '../runs/events.js'

export const RECIPES = ['default', 'notebook'] as const
export type RecipeName = (typeof RECIPES)[number]

/** A mean and a standard deviation of pixels in 0–1, per channel. */
export interface MeanStd {
  readonly mean: Rgb
  readonly std: Rgb
}

/** Every option of `torchgraft train`, with its default. */
export interface TrainOptions {
  /**
   * `notebook` is the 2022 PyTorch notebook's, number for number: a split by position with numpy's seed 1999, an order that
   * stays, padded and stretched images with jitter and shear, Adam, early stopping, `best_model.pth`. Defaults that
   * it changes are named with each option.
   * @default 'default'
   */
  readonly recipe?: RecipeName
  /**
   * A folder with a folder for each class, or one with `train/` and `val/` (`valid/`, `validation/`, in any case) of those
   * inside; `val/` may be missing. Only a resumed run may leave it out.
   */
  readonly data?: LocalPath
  /** The run folder. @default `runs/` and the data folder's name, with a number where that exists */
  readonly output?: LocalPath
  /** @default 'regnet_y_400mf'; the notebook's is 'regnet_y_16gf' */
  readonly model?: ModelName
  /**
   * A name of shipped weights or of the catalogue's, a .safetensors or a .pth file, or a run folder, whose best model is
   * loaded; null trains from scratch.
   * @default the shipped ones of the model, else the catalogue's that lie on this disk; the notebook's are 'regnet_y_16gf-imagenet1k_v1'
   */
  readonly weights?: LocalPath | null
  /** @default 12; the notebook's 20 */
  readonly epochs?: number
  /** @default 32; the notebook's 64 */
  readonly batchSize?: number
  /** Height and width of images, in the last epochs where they grow. @default 224 */
  readonly size?: number
  /**
   * Smaller images in the first epochs, from 4/7 of the size on in steps of 32 px, each for as many epochs: these take less
   * time and teach as much. An epoch is scored at its own size, which its model file keeps and predicting follows. Not in the
   * notebook's recipe.
   * @default true without `patience`, which might end a run before its images have grown
   */
  readonly progressiveResizing?: boolean
  /** The highest learning rate; the new head's is twice that. The notebook's is one for all, and stays. @default 1e-3 */
  readonly lr?: number
  /**
   * The validation set: a folder, or a fraction of each class, which is not used where the data folder has its own `val/`,
   * but by the notebook's recipe, which takes a fraction of all.
   * @default 0.15
   */
  readonly val?: number | LocalPath
  /**
   * Of the split, the order, the augmentation and the new head; in the notebook's recipe of the last two, as
   * `torch.manual_seed` takes it.
   * @default 1
   */
  readonly seed?: number
  /** Decides the best epoch, ties by `val/loss`; what early stopping watches. @default 'val/top1'; the notebook's 'val/loss' */
  readonly monitor?: Monitor
  /** Stops after this many epochs without improvement; null: never. @default null; the notebook's 3 */
  readonly patience?: number | null
  /** `trunk` trains the head alone. @default 'none' */
  readonly freeze?: 'none' | 'trunk'
  /** `balanced` weighs each class by the inverse of its count. @default 'none' */
  readonly classWeights?: 'none' | 'balanced'
  /**
   * What pixels are normalized with, in the notebook's recipe only: computed over its training set (`data`), as the notebook
   * printed them, ImageNet's, or six numbers.
   * @default 'data'
   */
  readonly meanStd?: 'data' | 'notebook' | 'imagenet' | MeanStd
  /**
   * Steps of the notebook's sanity check, in its recipe only: they train the model itself on one batch before training.
   * @default 0: none
   */
  readonly sanitySteps?: number
  readonly device?: Device
  /** `auto` in the notebook's recipe: fp16 on a GPU, fp32 on a CPU, scored in fp32. @default 'auto' */
  readonly precision?: Precision
  /**
   * How weights and activations lie in memory.
   * @default 'channels_last'; on a GPU with plain kernels or in fp32 the faster of both; the notebook's, as PyTorch has it,
   * 'contiguous' on a CPU, so that its numbers are the notebook's
   */
  readonly memoryFormat?: MemoryFormat
  /** `plain` computes with libtorch as it comes, without the addon's own allocator and kernels. @default 'auto' */
  readonly kernels?: Kernels
  /**
   * `torch.backends.cudnn.benchmark`: at the first batch of a shape cuDNN times its algorithms for each convolution and keeps the
   * fastest, which may be another one when the run is resumed. On a CPU it does nothing.
   * @default false
   */
  readonly cudnnBenchmark?: boolean
  readonly threads?: number
  /**
   * Where several processes train together: batch norm by the statistics of the whole batch, as `torch.nn.SyncBatchNorm`, instead of by
   * those of each process's part.
   * @default false
   */
  readonly syncBatchNorm?: boolean
  /** A broken image ends the run, instead of being left out. @default false */
  readonly strictImages?: boolean
  /** Follows links that lead out of the data folder. @default false; the notebook's true */
  readonly followLinks?: boolean
  /** Saves the position this often, besides the end of each epoch. @default 10 */
  readonly saveEveryMinutes?: number
  /** Goes on with the run in `output`, with the options that it began with. */
  readonly resume?: boolean
  /** Finishes the step, saves, and rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  readonly onEvent?: (event: TrainingEvent) => void
  /** Called while something takes a while before training begins. */
  readonly onProgress?: (progress: Progress) => void
}

/** How far something has come that takes a while before training begins. */
export interface Progress {
  readonly what: 'mean and standard deviation' | 'images' | 'sanity check'
  readonly done: number
  readonly total: number
  /** Of the sanity check's last step: mean over its batch. */
  readonly loss?: number
}

/** Options that say where and how a run is called, not what it computes: `config.json` does not keep them. */
type CallOption = 'data' | 'output' | 'resume' | 'signal' | 'onEvent' | 'onProgress'
type Undecided = 'threads' | 'memoryFormat'

/** Every option decided, as `config.json` keeps them. */
export type ResolvedOptions = {
  readonly [Name in Exclude<keyof TrainOptions, CallOption | Undecided>]-?: Exclude<TrainOptions[Name], undefined | URL>
} & {
  /** null: chosen at the start of each run. */
  readonly memoryFormat: MemoryFormat | null
  readonly threads: number | null
}

/** What a recipe decides where an option is not given. */
export type RecipeDefaults = Omit<ResolvedOptions, 'recipe' | 'weights' | 'progressiveResizing' | Undecided>

/** Defaults that the recipes share. */
export const COMMON_DEFAULTS = {
  size: 224, lr: 1e-3, val: 0.15, seed: 1, freeze: 'none', classWeights: 'none', device: 'auto', precision: 'auto', strictImages: false,
  saveEveryMinutes: 10, sanitySteps: 0, kernels: 'auto', cudnnBenchmark: false, syncBatchNorm: false,
} as const satisfies Partial<RecipeDefaults>
