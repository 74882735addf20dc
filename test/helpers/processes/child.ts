import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface ChildOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Another user's number, for who may take it. */
  readonly uid?: number
  /** FailureReport of what the child has said so far, whenever it says more. */
  readonly onOutput?: (stdout: string, stderr: string, kill: (signal: NodeJS.Signals) => void) => void
}

/** Runs Node in a child process to its end. */
export function runNode(args: readonly string[], { cwd = ROOT, env = process.env, uid, onOutput }: ChildOptions = {}): Promise<ChildEnd> {
  const { NODE_OPTIONS: _, ...rest } = env // jest's own flags are not the child's
  const child = spawn(process.execPath, args, { cwd, env: rest, stdio: ['ignore', 'pipe', 'pipe'], ...(uid !== undefined && { uid, gid: uid }) })
  let [stdout, stderr] = ['', '']
  const tell = (): void => onOutput?.(stdout, stderr, (signal) => child.kill(signal))
  child.stdout.on('data', (data: Buffer) => ((stdout += data.toString()), tell()))
  child.stderr.on('data', (data: Buffer) => ((stderr += data.toString()), tell()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** The command line, as built. */
export function runCli(args: readonly string[], options: ChildOptions = {}): Promise<ChildEnd> {
  return runNode([fileURLToPath(new URL('../../../scripts/torchgraft.mjs', import.meta.url)), ...args], options)
}
