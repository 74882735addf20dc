/** What the parts of check:cuda tell each other. */
import type { RegNetVariant, TrainOptions } from '../../src/index.js'

export type PartName = 'build' | 'test' | 'train' | 'notebook' | 'speed'

export interface Options {
  readonly device: string
  readonly quick: boolean
  readonly compiled: boolean
  readonly only: readonly PartName[]
  readonly pack: string | undefined
  readonly report: string | undefined
}

/** The peers' interpreter: versions of what it has, and why it has not the rest. */
export interface Python {
  readonly command: string
  readonly versions: Readonly<Record<string, string>>
  readonly missing: Readonly<Record<string, string>>
}

export interface Context {
  readonly root: string
  readonly temporary: string
  /** For children, with LIBTORCH in it. */
  readonly env: NodeJS.ProcessEnv
  readonly device: string
  readonly quick: boolean
  readonly compiled: boolean
  readonly python: Python
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
  readonly model: RegNetVariant
  readonly batch: number
  readonly task: 'train' | 'score'
  readonly precision: 'bf16' | 'fp16' | 'fp32'
  readonly kernels: 'auto' | 'plain'
  readonly peers: boolean
}

export interface SpeedSizes {
  /** Height and width that are trained on, and of the images that they are made from. */
  readonly size: number
  readonly source: number
  readonly classes: number
  /** How often so many steps are timed. */
  readonly repeats: number
  readonly steps: number
  readonly threads?: number
}

export interface SpeedTask extends SpeedRow, SpeedSizes {
  readonly device: 'cpu' | `cuda:${number}`
  /** When its process was started, in milliseconds. */
  readonly startedAt: number
}

/** What a child has measured of one row. */
export interface Speeds {
  readonly speeds: readonly number[]
  readonly first: number
  readonly losses: readonly number[]
  readonly how: string
}

/** Takes a row's measurement by its name. */
export type TakeSpeeds = (name: string, speeds: Speeds) => void

export interface Cell {
  /** Images a second. */
  readonly median: number
  /** Seconds from a process's start to the end of its first step. */
  readonly first: number
}

export interface Measured {
  readonly name: string
  readonly cells: Partial<Record<'notebook' | 'tuned' | 'compiled' | 'torchgraft', Cell>>
}
