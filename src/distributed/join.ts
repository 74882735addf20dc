import { setTimeout as sleep } from 'node:timers/promises'
import { TorchgraftError } from '../errors.js'
import { packageVersion } from '../package.js'
import { ProcessGroup } from '../session/process-group.js'
import { type Rendezvous, joinRendezvous, RendezvousServer } from './rendezvous.js'
import { INTERRUPTED, type Peers } from './peers.js'
import type { RankEnvironment } from './rank-environment.js'

/** Ranks that are not there after so long do not come; one that is there waits no longer for another in a step. */
const TIMEOUT_SECONDS = 60
/** What a rank was waiting for is over soon after it is told that another has failed. */
const UNWIND_MS = 3_000
/** libtorch notices that a connection is gone before it is known why: that is heard from the ranks themselves. */
const REASON_MS = 20_000

/** Of an error that ends all ranks. */
export interface Blame {
  /** Whether another rank has failed, and this one ends because of it. */
  readonly ofAnother: boolean
  /** Whether another rank tells people of it: rank 0 as a rule, of what happens on its machine or leaves no word. */
  readonly toldByAnother: boolean
}

const BLAMES = new WeakMap<object, Blame>()

/** undefined of what went wrong before the ranks had joined, or alone. */
export function blameOf(error: unknown): Blame | undefined {
  return typeof error === 'object' && error !== null ? BLAMES.get(error) : undefined
}

/** This process as one of those that train together: libtorch's group of them, and what they tell each other besides. */
export class JoinedRanks implements AsyncDisposable {
  readonly ranks: Peers
  readonly group: ProcessGroup
  #failed = false

  private constructor(ranks: Peers, group: ProcessGroup) {
    this.ranks = ranks
    this.group = group
  }

  /**
   * Waits for the other ranks.
   *
   * @param device of this rank, as PyTorch names it
   * @throws ERR_DISTRIBUTED where they do not come
   */
  static async join(environment: RankEnvironment, device: string): Promise<JoinedRanks> {
    const { rank, worldSize, masterAddress, masterPort, agentStore, restartCount, runId = '' } = environment
    const group = await ProcessGroup.join({
      rank, worldSize, device, masterAddress, masterPort, serve: !agentStore && rank === 0,
      prefix: `torchgraft/${runId}/${restartCount}`, timeoutSeconds: TIMEOUT_SECONDS, backend: device === 'cpu' ? 'gloo' : 'nccl',
      identity: `torchgraft ${packageVersion()}`,
    })
    try {
      if (rank > 0) {
        const rendezvous = JSON.parse(Buffer.from(await group.broadcast(new Uint8Array(0))).toString()) as Rendezvous
        return new JoinedRanks(await joinRendezvous(rank, worldSize, masterAddress, rendezvous), group)
      }
      const server = await RendezvousServer.open(masterAddress)
      const all = server.all(worldSize)
      await group.broadcast(Buffer.from(JSON.stringify(server.rendezvous)))
      return new JoinedRanks(await all, group)
    } catch (error) {
      group.abort((error as Error).message)
      throw error
    }
  }

  /**
   * Does what all ranks do, and ends when one of them fails, with the one reason that all are told.
   *
   * @throws ERR_DISTRIBUTED where another rank failed
   */
  async together<T>(work: () => Promise<T>): Promise<T> {
    const done = work()
    try {
      const result = await Promise.race([done, this.ranks.failure])
      await this.ranks.gather('the end', null)
      return result
    } catch (error) {
      throw await this.#reasonOf(error, done)
    }
  }

  /** Leaves. What the others do from then on does not concern this rank. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.ranks.leave()
    if (!this.#failed) await this.group.leave() // which waits for the others to leave
  }

  async #reasonOf(error: unknown, done: Promise<unknown>): Promise<unknown> {
    if (error instanceof DOMException && error.name === 'AbortError') {
      // All have been interrupted, and end as if all were done; or this one alone was, and so ends the others.
      await within(UNWIND_MS, this.ranks.gather(INTERRUPTED, null))
      return error
    }
    this.#failed = true
    const told = await this.#toldReason(error)
    const message = told?.message ?? (error instanceof Error ? error.message : String(error))
    if (!told) this.ranks.fail(message)
    this.group.abort(message)
    const own = await within(UNWIND_MS, done)
    // What all ranks find out together each throws by itself, whoever is the first to say so.
    const reason = told && own && own !== told && !isOfCollective(own) ? own : (told ?? error)
    if (reason instanceof Error) BLAMES.set(reason, { ofAnother: reason === told, toldByAnother: this.#isToldByAnother() })
    return reason
  }

  #isToldByAnother(): boolean {
    const { rank, culprit, isBesideFirst } = this.ranks
    if (rank === 0) return false
    return culprit ? culprit.rank !== 0 || culprit.spoke : isBesideFirst
  }

  /** Why it ends, where another rank is the reason. */
  async #toldReason(error: unknown): Promise<Error | undefined> {
    const { failure, reason } = this.ranks
    if (!isOfCollective(error)) return error === reason ? reason : undefined
    return Promise.race([failure.catch((told: Error) => told), sleep(REASON_MS, undefined, { ref: false })])
  }
}

/** What libtorch says where another rank does not answer, which is not why. */
function isOfCollective(error: unknown): boolean {
  return error instanceof TorchgraftError && error.code === 'ERR_DISTRIBUTED' && error.cause !== undefined
}

/** Waits for something for so long. @returns what it failed with, if it did */
async function within(ms: number, what: Promise<unknown>): Promise<unknown> {
  const patience = new AbortController()
  const failed = what.then(() => undefined, (error: unknown) => error)
  const first = await Promise.race([failed, sleep(ms, undefined, { signal: patience.signal }).catch(() => undefined)])
  patience.abort()
  return first
}
