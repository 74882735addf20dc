import { argumentError } from '../errors.js'

/** A process's place among those that train together, as a launcher tells it: `torchrun`, or `torchgraft` itself. */
export interface RankEnvironment {
  /** From 0. Rank 0 saves and reports. */
  readonly rank: number
  /** Processes in all. */
  readonly worldSize: number
  /** From 0, on this machine. */
  readonly localRank: number
  /** Processes on this machine. */
  readonly localWorldSize: number
  /** Where the store listens by which the ranks find each other: on rank 0's machine. */
  readonly masterAddress: string
  readonly masterPort: number
  /** Whether the launcher hosts that store; else rank 0 does. */
  readonly agentStore: boolean
  /** How often the launcher has started the ranks anew. */
  readonly restartCount: number
  /** The launcher's name of the job; undefined where it has none. */
  readonly runId: string | undefined
}

/** A job that was given no name has this one in torchrun's environment. */
const NO_NAME = 'none'
const MOST_RANKS = 65_536

/**
 * The variables that PyTorch's `env://` reads, and torchrun's own; undefined where there is no second rank.
 *
 * Source: PyTorch, "torchrun (Elastic Launch)", environment variables.
 *
 * @throws ERR_ARGUMENT, naming the variable
 */
export function rankEnvironment(env: NodeJS.ProcessEnv = process.env): RankEnvironment | undefined {
  if (!env['RANK'] && !env['WORLD_SIZE']) return undefined
  const worldSize = integer(env, 'WORLD_SIZE', { min: 1, max: MOST_RANKS })
  const rank = integer(env, 'RANK', { max: worldSize - 1 })
  if (worldSize === 1) return undefined
  const localWorldSize = integer(env, 'LOCAL_WORLD_SIZE', { min: 1, max: worldSize })
  return {
    rank,
    worldSize,
    localRank: integer(env, 'LOCAL_RANK', { max: localWorldSize - 1 }),
    localWorldSize,
    masterAddress: hostName(env, 'MASTER_ADDR'),
    masterPort: integer(env, 'MASTER_PORT', { min: 1, max: 65_535 }),
    agentStore: env['TORCHELASTIC_USE_AGENT_STORE'] === 'True',
    ...restartOf(env),
  }
}

/** What torchrun tells of its restarts: also of a job with one rank. @throws ERR_ARGUMENT, naming the variable */
export function restartOf(env: NodeJS.ProcessEnv = process.env): Pick<RankEnvironment, 'restartCount' | 'runId'> {
  const id = env['TORCHELASTIC_RUN_ID'] ?? NO_NAME
  const restartCount = env['TORCHELASTIC_RESTART_COUNT'] ? integer(env, 'TORCHELASTIC_RESTART_COUNT', { max: 1e6 }) : 0
  return { restartCount, runId: id === '' || id === NO_NAME ? undefined : id.slice(0, 200) }
}

function integer(env: NodeJS.ProcessEnv, name: string, { min = 0, max }: { readonly min?: number; readonly max: number }): number {
  const text = env[name]
  const value = Number(text)
  if (text !== undefined && /^\d{1,9}$/.test(text) && value >= min && value <= max) return value
  throw variableError(`an integer from ${min} to ${max}`, name, text)
}

/** A name or an address, IPv6 too. */
function hostName(env: NodeJS.ProcessEnv, name: string): string {
  const text = env[name]
  if (text !== undefined && /^[\w.:%-]{1,253}$/.test(text)) return text
  throw variableError('the name or address of rank 0\'s machine', name, text)
}

function variableError(expected: string, name: string, value: string | undefined) {
  return argumentError(expected, `the environment's ${name}`, value)
}
