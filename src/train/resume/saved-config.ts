import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { argumentError, TorchgraftError } from '../../errors.js'
import type { Local } from '../../options/local-path.js'
import type { MeanStd, ResolvedOptions, TrainOptions } from '../../recipes/options.js'
import { CONFIG_FILE, type RunConfig } from '../../runs/run-folder.js'
import type { Device, MemoryFormat, Precision } from '../../session/options.js'
import type { Run } from '../run.js'
import { resumeOptions, savedOptions } from './options.js'

/** What a run's `config.json` says. */
export interface SavedConfig extends Pick<Run, 'computing' | 'meanStd'> {
  readonly resolved: ResolvedOptions
  readonly data: string
}

/** What a resumed run does: as its folder says, with the epochs that are asked for. @throws ERR_FILE_FORMAT, ERR_RESUME_MISMATCH */
export function resumedConfig(folder: string, config: RunConfig<unknown>, options: Local<TrainOptions>): SavedConfig {
  const saved = checkConfig(folder, config)
  const data = options.data === undefined ? saved.data : resolve(options.data)
  if (data !== saved.data) {
    throw new TorchgraftError('ERR_RESUME_MISMATCH', `This run began with the data in ${saved.data}, not ${data}`, { path: folder })
  }
  return { ...saved, resolved: resumeOptions(saved.resolved, options) }
}

/** Checks a `config.json`, which may have been edited by hand. @throws ERR_FILE_FORMAT, naming the option */
export function checkConfig(folder: string, config: RunConfig<unknown>): SavedConfig {
  const path = join(folder, CONFIG_FILE)
  try {
    const meanStd = meanStdOf(config)
    return { resolved: savedOptions(config.options), data: config.data, computing: computingOf(config), meanStd }
  } catch (error) {
    if (!(error instanceof TorchgraftError)) throw error
    const message = `${path} was edited into something that cannot be run: ${error.message}. Put it back as it was`
    throw new TorchgraftError('ERR_FILE_FORMAT', message, { path, cause: error })
  }
}

function computingOf({ device, precision, memoryFormat, threads, worldSize }: RunConfig<unknown>): Run['computing'] {
  if (threads !== undefined && !(Number.isSafeInteger(threads) && threads > 0))
    throw argumentError('a positive integer', 'threads', threads)
  return {
    ...(device !== undefined && { device: device as Device }), // these three Session.create checks
    ...(precision !== undefined && { precision: precision as Precision }),
    ...(memoryFormat !== undefined && { memoryFormat: memoryFormat as MemoryFormat }),
    // Fewer cores than it began with: no more threads than they can run. Of several ranks each had a part of the cores.
    ...(threads !== undefined && worldSize === undefined && threads <= availableParallelism() && { threads }),
  }
}

function meanStdOf({ mean, std }: RunConfig<unknown>): MeanStd | undefined {
  if (mean === undefined && std === undefined) return undefined
  for (const [name, value] of Object.entries({ mean, std })) {
    const isPart = (part: number): boolean => Number.isFinite(part) && (name === 'mean' || part > 0)
    const valid = Array.isArray(value) && value.length === 3 && value.every(isPart)
    if (!valid) throw argumentError(name === 'mean' ? 'three numbers' : 'three numbers above 0', name, value)
  }
  return { mean: mean!, std: std! }
}
