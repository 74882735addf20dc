import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { LastCheckpoint } from '../../runs/checkpoint-store.js'
import { CONFIG_FILE, readSplitIn, type RunConfig, type RunFolder, type RunSplit, SPLIT_FILE } from '../../runs/run-folder.js'
import { argumentError, TorchgraftError } from '../../errors.js'
import type { Local } from '../../options/local-path.js'
import type { Device, MemoryFormat, Precision, SessionOptions } from '../../session/options.js'
import type { MeanStd, ResolvedOptions, TrainOptions } from '../../recipes/options.js'
import { resolveOptions } from '../options/resolve.js'
import { BEFORE, resumeOptions, savedOptions, withAbsolutePaths } from './options.js'
import { difference } from './splits.js'

export interface Decisions {
  readonly resolved: ResolvedOptions
  readonly data: string
  /** A resumed run goes on as it began, whatever `auto` would be on this machine. */
  readonly computing: Pick<SessionOptions, 'device' | 'precision' | 'memoryFormat' | 'threads'>
  /** What a resumed run normalizes with. */
  readonly meanStd?: MeanStd
}

/** Options that decide the numbers, and that neither the images nor the model can be asked for. */
const SETTINGS = ['recipe', 'batchSize', 'size', 'progressiveResizing', 'lr', 'seed', 'monitor', 'patience', 'freeze', 'classWeights', 'meanStd', 'kernels'] as const satisfies readonly (keyof ResolvedOptions)[]

export function settingsOf(resolved: ResolvedOptions): Readonly<Record<string, unknown>> {
  return Object.fromEntries(SETTINGS.map((name) => [name, resolved[name]]))
}

/** What a run does: as asked for or, resumed, as its folder says. */
export async function decide(folder: RunFolder, options: Local<TrainOptions>): Promise<Decisions> {
  if (options.resume !== true) return { resolved: withAbsolutePaths(resolveOptions(options)), data: dataOf(options.data), computing: {} }
  const { resolved: saved, data, ...rest } = checkConfig(folder.path, await folder.readConfig())
  const given = options.data === undefined ? data : resolve(options.data)
  if (given !== data) throw new TorchgraftError('ERR_RESUME_MISMATCH', `This run began with the data in ${data}, not ${given}`, { path: folder.path })
  return { resolved: resumeOptions(saved, options), data, ...rest }
}

/** What a run's `config.json` says, which may have been edited by hand. @throws ERR_FILE_FORMAT, naming the option */
export function checkConfig(folder: string, config: RunConfig<unknown>): Decisions {
  const path = join(folder, CONFIG_FILE)
  try {
    const meanStd = meanStdOf(config)
    return { resolved: savedOptions(config.options), data: config.data, computing: computingOf(config), ...(meanStd && { meanStd }) }
  } catch (error) {
    if (!(error instanceof TorchgraftError)) throw error
    throw new TorchgraftError('ERR_FILE_FORMAT', `${path} was edited into something that cannot be run: ${error.message}. Put it back as it was`, { path, cause: error })
  }
}

export function dataOf(data: string | undefined): string {
  if (typeof data === 'string' && data !== '') return data
  throw argumentError('a folder of images', 'data', data)
}

function computingOf({ device, precision, memoryFormat, threads }: RunConfig<unknown>): Decisions['computing'] {
  if (threads !== undefined && !(Number.isSafeInteger(threads) && threads > 0)) throw argumentError('a positive integer', 'threads', threads)
  return {
    ...(device !== undefined && { device: device as Device }), // these three Session.create checks
    ...(precision !== undefined && { precision: precision as Precision }),
    ...(memoryFormat !== undefined && { memoryFormat: memoryFormat as MemoryFormat }),
    // Fewer cores than it began with: no more threads than they can run.
    ...(threads !== undefined && threads <= availableParallelism() && { threads }),
  }
}

function meanStdOf({ mean, std }: RunConfig<unknown>): MeanStd | undefined {
  if (mean === undefined && std === undefined) return undefined
  for (const [name, value] of Object.entries({ mean, std })) {
    const valid = Array.isArray(value) && value.length === 3 && value.every((part) => Number.isFinite(part) && (name === 'mean' || part > 0))
    if (!valid) throw argumentError(name === 'mean' ? 'three numbers' : 'three numbers above 0', name, value)
  }
  return { mean: mean!, std: std! }
}

/** Whether a saved position was trained with these options. @throws ERR_RESUME_MISMATCH, naming the option */
export function checkSettings(folder: string, { file, metadata: { settings } }: LastCheckpoint, resolved: ResolvedOptions): void {
  const saved: Readonly<Record<string, unknown>> = { ...BEFORE, ...settings }
  for (const [name, now] of Object.entries(settings ? settingsOf(resolved) : {})) {
    const before = JSON.stringify(saved[name])
    if (before === JSON.stringify(now)) continue
    throw new TorchgraftError('ERR_RESUME_MISMATCH', `${join(folder, CONFIG_FILE)} says ${name} ${JSON.stringify(now)}, but ${file} was trained with ${before}: put it back as it was`, { path: folder })
  }
}

/**
 * Whether a saved position belongs to these options and images. The model files tell which images there were, the split
 * which of them is where, and in which order.
 *
 * @throws ERR_DATA_CHANGED, ERR_RESUME_MISMATCH
 */
export async function checkSame(folder: RunFolder, last: LastCheckpoint, { fingerprint, split, resolved }: { readonly fingerprint: string; readonly split: RunSplit; readonly resolved: ResolvedOptions }): Promise<string[]> {
  const path = folder.path
  checkSettings(path, last, resolved)
  if (last.metadata.data?.fingerprint !== fingerprint) {
    throw new TorchgraftError('ERR_DATA_CHANGED', (option) => `The images are not those that this run began with, so it cannot be resumed. Put them back, or start a new run from its best.safetensors (${option('weights')})`, { path })
  }
  try {
    const before = await readSplitIn(path)
    if (!before) return [`${SPLIT_FILE} is missing, and is written again from the images, which are those that the run began with.`]
    const moved = difference(before, split)
    if (moved === undefined) return []
    throw new TorchgraftError('ERR_DATA_CHANGED', (option) => `The images have other names or places than when this run began (${moved}), and their names decide the order of training. Put the names back, or start a new run from its best.safetensors (${option('weights')})`, { path })
  } catch (error) {
    if (!(error instanceof TorchgraftError) || error.code !== 'ERR_FILE_FORMAT') throw error
    return [`${error.message}. It is written again from the images, which are those that the run began with.`]
  }
}
