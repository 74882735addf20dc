import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RankEnd, RankProcess } from './rank-process.js'

/** What reaches all ranks: Ctrl-C; the end of the system or the container; a terminal or connection that was closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** Once a rank has failed the others end by themselves; after so long they are asked to, and after so long they are ended. */
const ASK_AFTER_MS = 3_000
const KILL_AFTER_MS = 6_000

/** A rank's exit code where it was interrupted, which is no failure. */
const INTERRUPTED = 130

/** What became of all ranks. */
export interface LaunchEnd {
  /** Rank 0's exit code; 1 where another rank failed, or it was ended by a signal. */
  readonly code: number
  /** Why it failed, for people; nothing where rank 0 has said so itself. */
  readonly message?: string
}

/**
 * Starts a process for each rank on this machine, and waits for all. When one fails all end; none outlives this process.
 *
 * @param program a JavaScript file and its arguments
 */
export async function launch(program: readonly string[], worldSize: number): Promise<LaunchEnd> {
  const port = await freePort()
  const ranks = Array.from({ length: worldSize }, (_, rank) => new RankProcess({ program, rank, worldSize, port }))
  const all = Promise.all(ranks.map(({ ended }) => ended))
  const toAll = (signal: NodeJS.Signals): void => {
    for (const rank of ranks) rank.kill(signal)
  }
  for (const signal of SIGNALS) process.on(signal, toAll)
  try {
    const failed = await firstFailure(ranks, all)
    if (!failed) return { code: (await all)[0]?.code ?? INTERRUPTED }
    await endAll(toAll, all)
    return explain(await all, failed)
  } finally {
    for (const signal of SIGNALS) process.off(signal, toAll)
  }
}

/** The first rank that ends without having done its work, or been interrupted; undefined where all have. */
function firstFailure(ranks: readonly RankProcess[], all: Promise<readonly RankEnd[]>): Promise<RankEnd | undefined> {
  return new Promise((resolve, reject) => {
    for (const { ended } of ranks) void ended.then((end) => (isFailure(end) ? resolve(end) : undefined), reject)
    void all.then(() => resolve(undefined), reject)
  })
}

/** A rank that a signal for all has ended, because it came before the rank was ready for it, is no failure. */
function isFailure({ code, asked }: RankEnd): boolean {
  return code !== 0 && code !== INTERRUPTED && !asked
}

async function endAll(toAll: (signal: NodeJS.Signals) => void, all: Promise<readonly RankEnd[]>): Promise<void> {
  const steps = new AbortController()
  const later = async (ms: number, signal: NodeJS.Signals): Promise<void> => {
    await sleep(ms, undefined, { signal: steps.signal }).then(() => toAll(signal), () => {})
  }
  const ending = [later(ASK_AFTER_MS, 'SIGTERM'), later(KILL_AFTER_MS, 'SIGKILL')]
  await all
  steps.abort()
  await Promise.all(ending)
}

/** One message for all: of the rank that failed by itself; else, of one that was silent, what the others say of it. */
function explain(ends: readonly RankEnd[], first: RankEnd): LaunchEnd {
  const code = ends[0]?.code || 1
  if (!first.told) return { code, ...messageOf(first) }
  const byItself = ends.find((end) => isFailure(end) && !end.told)
  return { code, ...(byItself ? messageOf(byItself) : { message: first.told.message }) }
}

function messageOf({ rank, code, signal, stderr }: RankEnd): Pick<LaunchEnd, 'message'> {
  if (signal !== null) {
    const reason = signal === 'SIGKILL' ? ': by hand, or by the system where memory was lacking' : ''
    return { message: `Rank ${rank} was ended by ${signal}${reason}` }
  }
  if (rank === 0) return {} // it has the terminal
  const said = stderr.trim().replace(/^torchgraft: /gm, '')
  return { message: said === '' ? `Rank ${rank} ended with exit code ${code}, and said nothing` : said.replace(/^/gm, `rank ${rank}: `) }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
