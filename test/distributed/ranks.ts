import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { NativeGroupOptions } from '../../src/addon/binding.js'
import type { TrainStepResult } from '../../src/session/session.js'
import type { SessionOptions } from '../../src/session/options.js'
import { type ChildEnd, type ChildOptions, runNode } from '../helpers/processes/child.js'

const PROGRAM = fileURLToPath(new URL('./rank.mjs', import.meta.url))

/** What the ranks do after they have met. */
export type Job = { readonly task: 'collectives' } | HoldJob | TrainJob

/** A job as one rank is given it. */
export type RankJob = Job & {
  readonly group: Omit<NativeGroupOptions, 'prefix' | 'identity' | 'backend' | 'device'>
  readonly identity?: string
}

export interface HoldJob {
  readonly task: 'hold'
  /** The rank that does not come. */
  readonly victim: number
  /** What it does instead: a signal that is sent to it, `abort`, `exit`, `leave` or `come late`. */
  readonly how: string
  /** Milliseconds after which the others end themselves. */
  readonly exitAfter?: number
}

export interface TrainJob {
  readonly task: 'train'
  readonly options: SessionOptions
  /** The optimizer's, with patterns as text. */
  readonly groups?: readonly { readonly match: string; readonly lrScale?: number; readonly weightDecay?: number }[]
  readonly syncBatchNorm?: boolean
  /** A .safetensors file. */
  readonly weights: string
  /** Of all images of a batch, one after another: a file. */
  readonly pixels: string
  readonly steps: readonly Step[]
  /** Whether each step is read. @default all are */
  readonly reads?: readonly boolean[]
  /** Tensors of the state that are told of: their first numbers. */
  readonly watched: readonly string[]
  readonly first?: number
}

export interface Step {
  readonly labels: readonly number[]
  readonly size: number
  /** Of each rank: its first image, and the one after its last. */
  readonly shares: readonly (readonly [number, number])[]
}

export interface Trained {
  readonly results: readonly TrainStepResult[]
  readonly state: readonly (readonly number[])[]
  /** Of the whole state. */
  readonly digest: string
}

export interface GroupSettings {
  readonly ranks: number
  readonly timeoutSeconds?: number
}

/** Starts a process for each rank, with options of its own. @returns how each ended, with what it printed */
export async function runRanks(
  job: Job, { ranks, timeoutSeconds = 30 }: GroupSettings, options: readonly ChildOptions[] = [],
): Promise<readonly ChildEnd[]> {
  const masterPort = await freePort()
  return Promise.all(Array.from({ length: ranks }, (_, rank) => startRank({
    ...job, group: { rank, worldSize: ranks, masterAddress: '127.0.0.1', masterPort, serve: rank === 0, timeoutSeconds },
  }, options[rank])))
}

export function startRank(job: RankJob, options?: ChildOptions): Promise<ChildEnd> {
  return runNode([PROGRAM, JSON.stringify(job)], options)
}

/** What each rank answered. */
export function answers<T>(ends: readonly ChildEnd[]): readonly T[] {
  return ends.map(({ stdout, stderr, code, signal }) => {
    if (stdout === '') throw new Error(`A rank ended by ${code ?? signal} and said nothing: ${stderr}`)
    return JSON.parse(stdout) as T
  })
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
