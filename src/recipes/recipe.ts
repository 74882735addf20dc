import type { DataLoader } from '../loader/data-loader.js'
import type { TrainVal } from '../datasets/describe-splits.js'
import { monitorMode } from '../metrics/metrics.js'
import type { SessionOptions } from '../session/options.js'
import { EarlyStopping } from '../train/early-stopping.js'
import type { MeanStd, ResolvedOptions } from './options.js'
import type { Schedule } from './schedules.js'
import type { ValLoaders } from '../loader/val-loaders.js'

/** What each part of a run is given. */
export interface Recipe {
  openTrainVal(data: string, options: ResolvedOptions, signal?: AbortSignal): Promise<TrainVal>
  /** @throws ERR_ARGUMENT where a run could not train or score on these sets */
  checkTrainVal?(options: ResolvedOptions, sets: TrainVal): void
  /** `counts` are of the training set's classes; `gpu` tells whether the run will be on one. */
  sessionOptions(options: ResolvedOptions, classes: number, counts: readonly number[], gpu: boolean): SessionOptions
  loaders(options: ResolvedOptions, sets: Pick<TrainVal, 'train' | 'val'>, meanStd: MeanStd): Loaders
  schedule(options: ResolvedOptions, stepsPerEpoch: number): Schedule
  /** Why the precision, where `auto` left it to the recipe. */
  precisionReason?(gpu: boolean): string
}

export interface Loaders extends AsyncDisposable {
  readonly train: DataLoader
  readonly val: ValLoaders
}

export function joinLoaders(train: DataLoader, val: ValLoaders): Loaders {
  return { train, val, [Symbol.asyncDispose]: async () => void (await Promise.all([train.dispose(), val[Symbol.asyncDispose]()])) }
}

export function makeEarlyStopping({ patience, monitor }: ResolvedOptions): EarlyStopping | undefined {
  return patience === null ? undefined : new EarlyStopping({ patience, mode: monitorMode(monitor) })
}
