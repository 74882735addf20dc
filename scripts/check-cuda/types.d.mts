/** What the parts of check:cuda tell each other. */
import type { Context as BenchContext, Precision, Python, Runner } from '../../bench/types.d.mts'
import type { RegNetVariant, TrainOptions } from '../../src/index.js'

export type PartName = 'build' | 'test' | 'train' | 'notebook' | 'speed'

export interface Options {
  readonly device: BenchContext['device']
  readonly quick: boolean
  readonly compiled: boolean
  readonly only: readonly PartName[]
  readonly pack: string | undefined
  readonly report: string | undefined
}

export interface Context {
  readonly root: string
  readonly temporary: string
  /** For children, with LIBTORCH in it. */
  readonly env: NodeJS.ProcessEnv
  readonly device: BenchContext['device']
  readonly quick: boolean
  readonly compiled: boolean
  readonly python: Python
  /** The folder of images that are made for all parts. */
  readonly data: Promise<string>
  readonly tell: Tell
}

export type Tell = (line: string) => void

/** Of one part, as the table has it. */
export interface Result {
  readonly part: PartName
  readonly result: 'ok' | 'FAILED' | 'left out'
  readonly seconds: number
  readonly what: string
}

export interface ChildOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** In seconds. */
  readonly limit: number
  readonly signal?: AbortSignal
  readonly onLine?: Tell
}

/** How a child ended, with its last lines. */
export interface End {
  /** As a shell would take it. */
  readonly command: string
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly string[]
  readonly seconds: number
  readonly error?: Error
  /** It was ended when its time was up. */
  readonly late: boolean
}

export interface Child {
  readonly end: Promise<End>
  stop(): void
  send(line: string): void
}

/** What a child that trains is to do. */
export interface TrainingTask {
  readonly options: TrainOptions
  /** It kills itself in the middle of this epoch, as a power cut would. */
  readonly dieAt?: Place
  /** It ends after so many steps. */
  readonly endAfter?: number
}

export interface Place {
  readonly epoch: number
  readonly step: number
}

export interface TrainingResult {
  readonly top1: number
  readonly count: number
  readonly seconds: number
  readonly precision: string
}

/** What a child that trained has told. */
export interface TrainingRun {
  /** By epoch and step. */
  readonly losses: ReadonlyMap<string, number>
  /** Means over an epoch. */
  readonly epochs: readonly number[]
  readonly result: TrainingResult | undefined
  /** Steps that were done already. */
  readonly resumed: Place | undefined
  readonly end: End
}

/** What is measured of torchgraft, and of its peers where it has some. */
export interface SpeedRow {
  readonly name: string
  readonly task: 'train-step' | 'score-step'
  readonly model: RegNetVariant
  readonly batch: number
  /** The peers have no fp16, but for the notebook, which trains in nothing else on a GPU. */
  readonly precision: Precision
  readonly kernels?: 'auto' | 'plain'
  /** The next batch is scored before the last one's numbers have come. */
  readonly ahead?: boolean
  readonly lr: number
  /** That are timed at once. */
  readonly steps: number
  readonly peers: boolean
  readonly bar?: number
  readonly aim?: number
}

export interface SpeedSizes {
  /** Height and width that are trained on, and of the images that they are cut from. */
  readonly size: number
  readonly source: number
  readonly repeats: number
  readonly threads?: number
}

/** What all sides read. */
export interface SpeedInputs {
  /** By the size of a batch. */
  readonly ready: Readonly<Record<number, object>>
  /** Files, by the model. */
  readonly weights: Readonly<Record<string, string>>
}

/** What was begun for the measurements while other parts ran. */
export interface Prepared {
  readonly bench: BenchContext
  readonly inputs: Promise<SpeedInputs>
  /** By the row's name. */
  readonly compiled: Map<string, Runner>
}

/** A row of the table. */
export interface Measured {
  readonly name: string
  /** Images a second, or seconds where less is better. */
  readonly cells: Readonly<Partial<Record<Side, number>>>
  readonly lower?: true
  readonly bar?: number
  readonly aim?: number
}

export type Side = 'notebook' | 'tuned' | 'compiled' | 'torchgraft'

/** What the parts have found so far. */
export interface Found {
  readonly results: Result[]
  /** What goes on, and since when. */
  running?: { readonly part: PartName; readonly began: number } | undefined
  readonly measured: Map<string, Measured>
  /** Why a session's device could be faster, in its own words. */
  readonly notes: Set<string>
}
