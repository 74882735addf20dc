import { mkdir } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { scalar, type StateDict } from '../formats/tensor.js'
import { type Files, FILES, writeError } from '../formats/files/write-file.js'
import { aPath, type LocalPath, toPath } from '../options/local-path.js'
import type { OptimizerDescription } from '../session/options.js'
import { systemReason } from '../text/system-reason.js'
import { type ModelFile, readModelFile, writeModelFile } from './model-file.js'
import { asTrainingMetadata, type ModelMetadata, type TrainingMetadata } from './model-metadata.js'

/** What saving needs of a session. */
export interface Savable {
  stateDict(): Promise<StateDict>
  trainingState(): Promise<StateDict>
  /** @param lr of the last step */
  describeOptimizer?(lr?: number): OptimizerDescription
}

export interface SavedFile {
  /** Name within the folder. */
  readonly file: string
  readonly bytes: number
}

export interface LastCheckpoint extends ModelFile<TrainingMetadata> {
  readonly file: string
  /** Why a newer file could not be used. */
  readonly recoveredFrom?: TorchgraftError
}

export const BEST_FILE = 'best.safetensors'
export const LAST_FILE = 'last.safetensors'
export const PREVIOUS_FILE = 'last.previous.safetensors'
/** What `last` is called for a moment, on its way to be `last.previous`. */
export const SECOND_NAME = `${PREVIOUS_FILE}.tmp`

/** What saves a run's model files. */
export type CheckpointWriter = Pick<CheckpointStore, 'saveBest' | 'saveLast'>

/** The model files of a run: `best`, `last` and its predecessor, each whole or not there. */
export class CheckpointStore {
  readonly folder: string
  readonly #files: Files
  /** Whether `last` was found damaged: it must not take its predecessor's place. */
  #lastIsDamaged = false

  private constructor(folder: string, files: Files) {
    this.folder = folder
    this.#files = files
  }

  /** Makes the folder where it is missing. */
  static open(location: LocalPath): Promise<CheckpointStore>
  /** @internal */
  static open(location: LocalPath, files: Files): Promise<CheckpointStore>
  static async open(location: LocalPath, files: Files = FILES): Promise<CheckpointStore> {
    aPath('a folder')(location, 'folder')
    const folder = toPath(location)
    try {
      await mkdir(folder, { recursive: true })
    } catch (cause) {
      throw new TorchgraftError('ERR_WRITE', `Could not make the folder ${folder}: ${systemReason(cause)}`, { path: folder, cause })
    }
    return new CheckpointStore(folder, files)
  }

  /**
   * Writes `best`: the model, to predict with.
   *
   * @throws ERR_WRITE
   */
  async saveBest(session: Savable, metadata: ModelMetadata): Promise<SavedFile> {
    const tensors = await session.stateDict()
    return { file: BEST_FILE, bytes: await writeModelFile(join(this.folder, BEST_FILE), { tensors, metadata }, this.#files) }
  }

  /**
   * Writes `last`: the model and all that resuming needs. The file before it is kept as its predecessor.
   *
   * @throws ERR_WRITE
   */
  async saveLast(session: Savable, metadata: Omit<TrainingMetadata, 'scaler'>): Promise<SavedFile> {
    const model = await session.stateDict()
    const training = await session.trainingState()
    if (!this.#lastIsDamaged) await this.#keepPrevious()
    const content = { tensors: new Map([...model, ...training]), metadata: { ...metadata, scaler: scalerState(training) } }
    const bytes = await writeModelFile(join(this.folder, LAST_FILE), content, this.#files)
    this.#lastIsDamaged = false
    return { file: LAST_FILE, bytes }
  }

  best(): Promise<ModelFile> {
    return readModelFile(join(this.folder, BEST_FILE))
  }

  /**
   * The newest position that can be read, or undefined where nothing was saved yet. A damaged `last` falls back to its
   * predecessor, and says so in `recoveredFrom`.
   */
  async last(): Promise<LastCheckpoint | undefined> {
    let recoveredFrom: TorchgraftError | undefined
    for (const file of [LAST_FILE, PREVIOUS_FILE]) {
      const path = join(this.folder, file)
      if (!existsSync(path)) continue
      try {
        const { tensors, metadata } = await readModelFile(path)
        this.#lastIsDamaged = recoveredFrom !== undefined
        return { tensors, metadata: asTrainingMetadata(path, metadata), file, ...(recoveredFrom && { recoveredFrom }) }
      } catch (error) {
        if (!(error instanceof TorchgraftError)) throw error
        recoveredFrom ??= error
      }
    }
    if (!recoveredFrom) return undefined
    const { code, message, path } = recoveredFrom
    const advice = 'the one saved before it is missing or damaged too. To start from the beginning, remove it'
    throw new TorchgraftError(code, `${message}; ${advice}`, { ...(path !== undefined && { path }), cause: recoveredFrom })
  }

  /** A second name for `last`, so that it is never away while its successor is written. */
  async #keepPrevious(): Promise<void> {
    const last = join(this.folder, LAST_FILE)
    const previous = join(this.folder, PREVIOUS_FILE)
    if (!existsSync(last)) return
    const second = join(this.folder, SECOND_NAME)
    try {
      await this.#files.rm(second, { force: true })
      await this.#files.link(last, second)
      await this.#files.rename(second, previous)
      await this.#files.rm(second, { force: true }) // where both were one file already, renaming has done nothing
    } catch {
      await this.#files.rm(second, { force: true }).catch(() => {})
      // A file system without hard links.
      await this.#files.rename(last, previous).catch((cause: unknown) => Promise.reject(writeError(previous, cause)))
    }
  }
}

/** What the scaler's tensors say, for whoever reads the file's header; resuming takes the tensors. */
function scalerState(training: StateDict): TrainingMetadata['scaler'] {
  const number = (name: string): number | undefined => scalar(training.get(`scaler.${name}`))
  const scale = number('scale')
  if (scale === undefined) return { scale: 1, growthTracker: 0 }
  return {
    scale, growthFactor: number('growth_factor'), backoffFactor: number('backoff_factor'),
    growthInterval: number('growth_interval'), growthTracker: number('_growth_tracker') ?? 0,
  }
}

/** Whether a tensor is the optimizer's or the scaler's, and not the model's. */
export function isTrainingState(name: string): boolean {
  return /^(?:optimizer|scaler)\./.test(name)
}

/** Splits the tensors of a `last` file: the model's weights, and the state of the optimizer and the scaler. */
export function separateState(tensors: StateDict): { readonly model: StateDict; readonly training: StateDict } {
  const pick = (training: boolean): StateDict => new Map([...tensors].filter(([name]) => isTrainingState(name) === training))
  return { model: pick(false), training: pick(true) }
}
