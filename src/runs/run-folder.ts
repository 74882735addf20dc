import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Rgb } from '../augment/plan.js'
import { TorchgraftError } from '../errors.js'
import { parseJson } from '../formats/parse-json.js'
import { TEMPORARY_FILE, writeFileWhole } from '../formats/files/write-file.js'
import { systemReason } from '../text/system-reason.js'
import { BEST_FILE, CheckpointStore, LAST_FILE, SECOND_NAME } from './checkpoint-store.js'
import { isLeftover, lockRun, type RunLock } from './run-lock.js'

export const CONFIG_FILE = 'config.json'
export const SPLIT_FILE = 'split.json'
export const EVENTS_FILE = 'events.jsonl'

/** `config.json`: what a run was asked for and, once it has begun, what it runs on. */
export interface RunConfig<Options> {
  readonly formatVersion: 1
  readonly torchgraft: string
  readonly libtorch?: string
  /** The data folder, absolute. */
  readonly data: string
  readonly options: Options
  /** What images are normalized with. */
  readonly mean?: Rgb
  readonly std?: Rgb
  readonly device?: string
  readonly precision?: string
  readonly memoryFormat?: string
  /** Within an operation. */
  readonly threads?: number
  readonly processor: string
  /** Processes that train together, where there are several. */
  readonly worldSize?: number
  /** The launcher's name of the job, by which it finds the run again. */
  readonly runId?: string
}

/** `split.json`: which image is in which split. */
export interface RunSplit {
  readonly formatVersion: 1
  /** By which rules the data folder was listed; none in runs from before there were several. */
  readonly listing?: number
  readonly seed: number
  readonly classes: readonly string[]
  readonly train: readonly SplitItem[]
  readonly val: readonly SplitItem[]
}

export interface SplitItem {
  readonly path: string
  readonly label: string
  readonly hash: string
}

/** A run's folder, kept for this process until disposed. */
export class RunFolder implements AsyncDisposable {
  readonly path: string
  readonly checkpoints: CheckpointStore
  readonly #lock: RunLock
  #begun = true

  private constructor(checkpoints: CheckpointStore, lock: RunLock) {
    this.path = checkpoints.folder
    this.checkpoints = checkpoints
    this.#lock = lock
  }

  /** @throws ERR_RUN_EXISTS where the folder holds a run already, ERR_RUN_LOCKED, ERR_WRITE */
  static async create(output: string | undefined, data: string): Promise<RunFolder> {
    if (output !== undefined) return RunFolder.#claim(output)
    for (let i = 1; ; i++) {
      const path = defaultFolder(data, i)
      if (!(await madeAnew(path))) continue
      return RunFolder.#claim(path)
    }
  }

  /** @throws ERR_ARGUMENT where there is no run, ERR_RUN_LOCKED */
  static async reopen(path: string): Promise<RunFolder> {
    if (!existsSync(join(path, CONFIG_FILE))) throw new TorchgraftError('ERR_ARGUMENT', (option) => `There is no run to resume in ${path}: it has no ${CONFIG_FILE}. Start one there without ${option('resume', true)}`, { path })
    return RunFolder.#lockAndOpen(path)
  }

  /** Set where the folder was another process's, which is dead: its number, or null where the lock names none. */
  get staleLockPid(): number | null | undefined {
    return this.#lock.staleLockPid
  }

  get eventsFile(): string {
    return join(this.path, EVENTS_FILE)
  }

  /** So that a run which is killed while it gets ready can be resumed; one that fails then leaves nothing. */
  async prepare<Options>(config: RunConfig<Options>): Promise<void> {
    this.#begun = false
    await this.#writeJson(CONFIG_FILE, config)
  }

  async writeConfig<Options>(config: RunConfig<Options>): Promise<void> {
    await this.#writeJson(CONFIG_FILE, config)
    this.#begun = true
  }

  async writeSplit(split: RunSplit): Promise<void> {
    await this.#writeJson(SPLIT_FILE, split)
  }

  /** @throws ERR_FILE_FORMAT when it was damaged, or edited into something else */
  async readConfig<Options>(): Promise<RunConfig<Options>> {
    return (await readConfigIn(this.path)) as RunConfig<Options>
  }

  /** Lets go of the folder; one that nothing was written into goes too. */
  async [Symbol.asyncDispose](): Promise<void> {
    const config = join(this.path, CONFIG_FILE)
    if (!this.#begun) await rm(config, { force: true }).catch(() => {}) // the error that ended the run is the one to throw
    await this.#lock.release()
    await rmdir(this.path).catch(() => {}) // not empty: as it should be
  }

  static async #claim(path: string): Promise<RunFolder> {
    const run = [CONFIG_FILE, BEST_FILE, LAST_FILE].some((file) => existsSync(join(path, file)))
    if (run) throw new TorchgraftError('ERR_RUN_EXISTS', (option) => `${path} holds a run already: continue it with ${option('resume', true)}, or choose another ${option('output')}`, { path })
    return RunFolder.#lockAndOpen(path)
  }

  static async #lockAndOpen(path: string): Promise<RunFolder> {
    const checkpoints = await CheckpointStore.open(path)
    const run = new RunFolder(checkpoints, await lockRun(path))
    try {
      await sweep(path)
      return run
    } catch (error) {
      await run[Symbol.asyncDispose]()
      throw error
    }
  }

  async #writeJson(name: string, value: unknown): Promise<void> {
    await writeFileWhole(join(this.path, name), [new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)])
  }
}

/** `runs/` and the data folder's name, with a number from the second on. */
function defaultFolder(data: string, number: number): string {
  const name = basename(resolve(data)) || 'run'
  return join('runs', number === 1 ? name : `${name}-${number}`)
}

/** The folders that runs on this data were given by default, as far as there are some. */
export function defaultRunFolders(data: string): string[] {
  const folders: string[] = []
  for (let i = 1; existsSync(defaultFolder(data, i)); i++) folders.push(defaultFolder(data, i))
  return folders
}

/** The split of the run that a model file lies in, or undefined where there is none. @throws ERR_FILE_FORMAT */
export function readSplitBeside(model: string): Promise<RunSplit | undefined> {
  return readSplitIn(join(model, '..'))
}

/** The split of a run, or undefined where none was written. @throws ERR_FILE_FORMAT */
export async function readSplitIn(folder: string): Promise<RunSplit | undefined> {
  const path = join(folder, SPLIT_FILE)
  if (!existsSync(path)) return undefined
  const split = (await readJson(path)) as Partial<RunSplit>
  const hasHash = (item: Partial<SplitItem> | null): boolean => typeof item?.hash === 'string'
  const valid = [split.train, split.val].every((items) => Array.isArray(items) && items.every(hasHash))
  if (!valid) throw new TorchgraftError('ERR_FILE_FORMAT', `${path} is not a split that torchgraft wrote`, { path })
  return split as RunSplit
}

/** Removes what a killed process was writing: large files among it. */
async function sweep(folder: string): Promise<void> {
  const left = (name: string): boolean => TEMPORARY_FILE.test(name) || name === SECOND_NAME || isLeftover(name)
  for (const name of (await readdir(folder)).filter(left)) await rm(join(folder, name), { force: true })
}

async function madeAnew(path: string): Promise<boolean> {
  try {
    await mkdir(join(path, '..'), { recursive: true })
    await mkdir(path)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw new TorchgraftError('ERR_WRITE', (option) => `Could not make the folder ${path}: ${systemReason(cause)}. Choose another ${option('output')}`, { path, cause })
  }
}

async function readJson(path: string): Promise<object> {
  try {
    const value = parseJson(await readFile(path, 'utf8'))
    if (typeof value === 'object' && value !== null) return value
    throw new SyntaxError('it is not an object')
  } catch (cause) {
    throw new TorchgraftError('ERR_FILE_FORMAT', `Could not read ${path}: ${systemReason(cause)}`, { path, cause })
  }
}

/** Without taking the folder's lock. @throws ERR_FILE_FORMAT */
export async function readConfigIn(folder: string): Promise<RunConfig<unknown>> {
  const path = join(folder, CONFIG_FILE)
  const config = (await readJson(path)) as Partial<RunConfig<unknown>>
  const { formatVersion, data, options } = config
  if (formatVersion === 1 && typeof data === 'string' && typeof options === 'object' && options !== null)
    return config as RunConfig<unknown>
  throw new TorchgraftError('ERR_FILE_FORMAT', `${path} is not a run's configuration that this torchgraft reads`, { path })
}
