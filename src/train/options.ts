import { finite, integer, oneOf } from '../arguments.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { type Monitor, MONITORS } from '../metrics/metrics.js'
import { checkModel, type Device, type Precision, PRECISIONS } from '../native/session-options.js'
import type { RegNetVariant } from '../native/variants.js'
import { onDisk } from '../weights/catalogue.js'
import type { TrainingEvent } from './events.js'

/** Every option of `torchgraft train`, with its default. */
export interface TrainOptions {
  /** A folder with a folder for each class, or one with `train/` and `val/` of those inside. Only a resumed run may leave it out. */
  readonly data?: string
  /** The run folder. @default `runs/` and the data folder's name, with a number where that exists */
  readonly output?: string
  /** @default 'regnet_y_400mf' */
  readonly model?: RegNetVariant
  /** A name of shipped weights or of the catalogue's, a .safetensors or a .pth file; null trains from scratch. @default the shipped ones of the model, else the catalogue's that lie on this disk */
  readonly weights?: string | null
  /** @default 12 */
  readonly epochs?: number
  /** @default 32 */
  readonly batchSize?: number
  /** Height and width of training pictures. @default 224 */
  readonly size?: number
  /** The highest learning rate; the new head's is twice that. @default 1e-3 */
  readonly lr?: number
  /** The validation side: a fraction of each class, or a folder. Not used where the data folder has its own `val/`. @default 0.15 */
  readonly val?: number | string
  /** Of the split, the order, the augmentation and the new head. @default 1 */
  readonly seed?: number
  /** Names the best epoch, ties decided by `val/loss`; what early stopping watches. @default 'val/top1' */
  readonly monitor?: Monitor
  /** Stops after this many epochs without improvement. @default none: all epochs are trained */
  readonly patience?: number
  /** `trunk` trains the head alone. @default 'none' */
  readonly freeze?: 'none' | 'trunk'
  /** `balanced` weighs each class by the inverse of its count. @default 'none' */
  readonly classWeights?: 'none' | 'balanced'
  readonly device?: Device
  readonly precision?: Precision
  readonly threads?: number
  /** A broken picture ends the run, instead of being left out. @default false */
  readonly strictImages?: boolean
  /** Follows links that lead out of the data folder. @default false */
  readonly followLinks?: boolean
  /** Saves the position this often, besides the end of each epoch. @default 10 */
  readonly saveEveryMinutes?: number
  /** Goes on with the run in `output`, with the options that it began with. */
  readonly resume?: boolean
  /** Finishes the step, saves, and rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  readonly onEvent?: (event: TrainingEvent) => void
}

type Settled = Exclude<keyof TrainOptions, 'data' | 'output' | 'resume' | 'signal' | 'onEvent'>

/** Every option decided, as `config.json` keeps them. */
export type ResolvedOptions = { readonly [Name in Exclude<Settled, 'patience' | 'threads'>]-?: Exclude<TrainOptions[Name], undefined> } & {
  readonly patience: number | null
  readonly threads: number | null
}

export const DEFAULTS = {
  model: 'regnet_y_400mf', epochs: 12, batchSize: 32, size: 224, lr: 1e-3, val: 0.15, seed: 1, monitor: 'val/top1', freeze: 'none', classWeights: 'none',
  device: 'auto', precision: 'auto', strictImages: false, followLinks: false, saveEveryMinutes: 10,
} as const satisfies Partial<TrainOptions>

/** The weights that a model begins from where none are named. */
export const SHIPPED_WEIGHTS: Partial<Record<RegNetVariant, string>> = { regnet_y_400mf: 'regnet_y_400mf-tiny-imagenet' }

/** Checks every option once, and fills in the defaults. */
export function resolveOptions(options: TrainOptions): ResolvedOptions {
  const given = { ...DEFAULTS, ...withoutUndefined(options) }
  const model = checkModel(given.model)
  return {
    model,
    weights: given.weights === undefined ? shippedWeights(model) : checkWeights(given.weights),
    epochs: integer(given.epochs, 'epochs', { min: 1, max: 100_000 }),
    batchSize: integer(given.batchSize, 'batchSize', { min: 1, max: 65_536 }),
    size: integer(given.size, 'size', { min: 32, max: 2048 }),
    lr: finite(given.lr, 'lr', { above: 0 }),
    val: checkVal(given.val),
    seed: integer(given.seed, 'seed', { min: 0 }),
    monitor: oneOf(given.monitor, 'monitor', MONITORS),
    patience: given.patience === undefined ? null : integer(given.patience, 'patience', { min: 1 }),
    freeze: oneOf(given.freeze, 'freeze', ['none', 'trunk']),
    classWeights: oneOf(given.classWeights, 'classWeights', ['none', 'balanced']),
    device: given.device,
    precision: oneOf(given.precision, 'precision', PRECISIONS),
    threads: given.threads === undefined ? null : integer(given.threads, 'threads', { min: 1, max: 1024 }),
    strictImages: flag(given.strictImages, 'strictImages'),
    followLinks: flag(given.followLinks, 'followLinks'),
    saveEveryMinutes: finite(given.saveEveryMinutes, 'saveEveryMinutes', { above: 0 }),
  }
}

/**
 * The options of a resumed run: those it began with. What is given besides must agree, but for `epochs`, which may grow.
 *
 * @throws ERR_RESUME_MISMATCH, naming the option
 */
export function resumeOptions(kept: ResolvedOptions, options: TrainOptions): ResolvedOptions {
  const { patience, threads, ...rest } = kept
  const saved = resolveOptions({ ...rest, ...(patience !== null && { patience }), ...(threads !== null && { threads }) }) // it may have been edited by hand
  const asked = resolveOptions({ ...options, weights: options.weights === undefined ? null : options.weights })
  for (const name of Object.keys(saved) as (keyof ResolvedOptions)[]) {
    if (options[name] === undefined || JSON.stringify(asked[name]) === JSON.stringify(saved[name])) continue
    if (name === 'epochs' && asked.epochs > saved.epochs) continue
    const rule = name === 'epochs' ? 'epochs may only grow' : 'leave it out, or start a new run'
    throw new TorchgraftError('ERR_RESUME_MISMATCH', `This run began with ${name} ${JSON.stringify(saved[name])}, not ${JSON.stringify(asked[name])}: ${rule}`)
  }
  return { ...saved, epochs: options.epochs === undefined ? saved.epochs : asked.epochs }
}

function shippedWeights(model: RegNetVariant): string {
  const name = SHIPPED_WEIGHTS[model]
  if (name !== undefined) return name
  const found = onDisk(model)
  if (found) return found.name
  throw new TorchgraftError('ERR_WEIGHTS_MISSING', `No weights of ${model} ship or lie on this disk: pull some ("torchgraft weights" lists them), name a file of it as weights, or none to train from scratch`)
}

function checkWeights(weights: unknown): string | null {
  if (weights === null || (typeof weights === 'string' && weights !== '')) return weights
  throw argumentError('a name, a file or null', 'weights', weights)
}

function checkVal(val: unknown): number | string {
  if (typeof val === 'string' && val !== '') return val
  if (typeof val === 'number' && val > 0 && val < 1) return val
  throw argumentError('a fraction between 0 and 1, or a folder,', 'val', val)
}

function flag(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value
  throw argumentError('true or false', name, value)
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T
}
