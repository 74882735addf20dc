import { type ChildProcess, spawn } from 'node:child_process'
import { LAUNCHER, type FailureReport } from './launched.js'

/** How a rank's process ended. */
export interface RankEnd {
  readonly rank: number
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Whether the launcher sent that signal. */
  readonly asked: boolean
  /** Why it ended, where another rank was the reason. */
  readonly told: FailureReport | undefined
  /** The last of what it wrote to stderr; of rank 0, whose output is not held back, nothing. */
  readonly stderr: string
}

export interface RankProcessOptions {
  /** A JavaScript file, and its arguments. */
  readonly program: readonly string[]
  readonly rank: number
  readonly worldSize: number
  readonly port: number
}

/** Of a rank's stderr, enough for an error and what came before it. */
const TAIL = 1 << 16

/**
 * One rank's process on this machine. Rank 0 has the terminal; of the others only stderr is kept, for when they fail. The channel to
 * this process closes with it, however it ends, and the rank with the channel.
 */
export class RankProcess {
  readonly rank: number
  /** Settles when the process is gone. */
  readonly ended: Promise<RankEnd>
  readonly #child: ChildProcess
  readonly #sent = new Set<NodeJS.Signals>()
  #told: FailureReport | undefined
  #stderr = ''

  constructor({ program, rank, worldSize, port }: RankProcessOptions) {
    this.rank = rank
    const child = spawn(process.execPath, [...process.execArgv, ...program], {
      env: environmentOf(rank, worldSize, port),
      stdio: rank === 0 ? ['inherit', 'inherit', 'inherit', 'ipc'] : ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr = (this.#stderr + text).slice(-TAIL)))
    child.on('message', (message) => (this.#told = message as FailureReport))
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        const asked = signal !== null && this.#sent.has(signal)
        resolve({ rank, code, signal, asked, told: this.#told, stderr: this.#stderr })
      })
    })
  }

  /** Does nothing where the process is gone. */
  kill(signal: NodeJS.Signals): void {
    this.#sent.add(signal)
    this.#child.kill(signal)
  }
}

/** As torchrun sets it, without a store of the launcher's: rank 0 has it. */
function environmentOf(rank: number, worldSize: number, port: number): NodeJS.ProcessEnv {
  const { TORCHELASTIC_USE_AGENT_STORE: _store, TORCHELASTIC_RESTART_COUNT: _count, TORCHELASTIC_RUN_ID: _id, ...rest } = process.env
  return {
    ...rest,
    RANK: String(rank), LOCAL_RANK: String(rank), WORLD_SIZE: String(worldSize), LOCAL_WORLD_SIZE: String(worldSize),
    MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(port), [LAUNCHER]: String(process.pid),
  }
}
