import { hostname } from 'node:os'
import { TorchgraftError } from '../errors.js'
import { HEARTBEAT_MS, LivenessMonitor, HEARTBEAT_TIMEOUT_MS } from './liveness.js'
import type { Message, MessageSocket } from './messages.js'
import type { Ranks } from './ranks.js'

/** Another rank, as far as this one talks to it. */
export interface Peer {
  readonly rank: number
  /** "process 4711 on host". */
  readonly process: string
  readonly socket: MessageSocket
}

/** The call of a rank that was told to stop. */
export const INTERRUPTED = 'the end, interrupted'

/** The rank that has failed. */
export interface Culprit {
  readonly rank: number
  /** Whether it said so itself: one that was killed, or is silent, did not. */
  readonly spoke: boolean
}

/** What both ends of the ranks' connections have in common: that one's end is everybody's, and that silence is an end too. */
export abstract class Peers implements Ranks {
  abstract readonly rank: number
  abstract readonly worldSize: number
  /** Rejects when a rank has failed, with the one reason that all are told. */
  readonly failure: Promise<never>
  readonly #peers: ReadonlyMap<number, Peer>
  readonly #liveness: LivenessMonitor
  readonly #clock: NodeJS.Timeout
  readonly #left = new Set<number>()
  #culprit: Culprit | undefined
  #reason: TorchgraftError | undefined
  #reject: (error: TorchgraftError) => void = () => {}
  #over = false
  #round = 0

  constructor(peers: readonly Peer[], now: () => number = () => performance.now()) {
    this.#peers = new Map(peers.map((peer) => [peer.rank, peer]))
    this.failure = new Promise((_, reject) => (this.#reject = reject))
    this.failure.catch(() => {}) // told to whoever waits for something
    this.#liveness = new LivenessMonitor(this.#peers.keys(), now())
    this.#clock = setInterval(() => this.#tick(now()), HEARTBEAT_MS).unref()
  }

  /** Takes messages from now on, and what has come already: once all that they concern is there. */
  protected listen(): void {
    for (const { rank, socket } of this.#peers.values()) {
      socket.onMessage((message) => this.#receive(rank, message))
      socket.onEnd((reason) => this.#ended(rank, reason))
    }
  }

  /** Who failed, where it was another rank. */
  get culprit(): Culprit | undefined {
    return this.#culprit
  }

  /** What `failure` rejects with. */
  get reason(): TorchgraftError | undefined {
    return this.#reason
  }

  /** Whether rank 0 is on this machine. */
  get isBesideFirst(): boolean {
    return this.rank === 0 || hostOf(this.#peers.get(0)?.process) === hostOf(ownProcess())
  }

  abstract gather<T>(what: string, value: T): Promise<readonly T[]>
  abstract fromFirst<T>(what: string, value: () => T | Promise<T>): Promise<T>
  protected abstract take(from: number, message: Extract<Message, { readonly round: number }>): void

  /** This rank has failed: the others are told why. */
  fail(message: string): void {
    this.#end({ type: 'failed', rank: this.rank, spoke: true, message })
  }

  /** This rank is done, and what the others do from now on does not concern it. Call it when all are done. */
  leave(): void {
    this.#end({ type: 'leave' })
  }

  protected nextRound(): number {
    return this.#round++
  }

  protected sendAll(message: Message): void {
    for (const { socket } of this.#peers.values()) socket.send(message)
  }

  /** Ends all ranks, because of one. */
  protected endAll(rank: number, message: string, spoke = false): void {
    if (this.#over) return
    this.#culprit = { rank, spoke }
    this.#end({ type: 'failed', rank, spoke, message })
    this.#reject((this.#reason = new TorchgraftError('ERR_DISTRIBUTED', message)))
  }

  /** Ends all ranks where one is at another call than rank 0. */
  protected endAtOdds(rank: number, what: string, first: string): void {
    if (what === INTERRUPTED || first === INTERRUPTED) return this.endAll(rank, `Rank ${what === INTERRUPTED ? rank : 0} was interrupted`)
    this.endAll(rank, `Rank ${rank} is at "${what}" where rank 0 is at "${first}": they do not run the same program`)
  }

  #receive(from: number, message: Message): void {
    this.#liveness.heard(from)
    switch (message.type) {
      case 'hello':
      case 'alive':
        return
      case 'part':
      case 'round':
        return this.take(from, message)
      case 'leave':
        this.#left.add(from)
        return this.#liveness.forget(from)
      case 'failed': {
        const { rank, spoke, message: reason } = message
        return this.endAll(rank, from === rank ? `${this.#name(from)} failed: ${reason}` : reason, spoke)
      }
    }
  }

  #ended(rank: number, reason: string): void {
    if (!this.#left.has(rank)) this.endAll(rank, `${this.#name(rank)} is gone, killed or crashed: ${reason}`)
  }

  #tick(now: number): void {
    this.sendAll({ type: 'alive' })
    const silent = this.#liveness.tick(now)
    if (silent === undefined) return
    this.endAll(silent, `${this.#name(silent)} has been silent for ${HEARTBEAT_TIMEOUT_MS / 1000} s: it is stopped, or its network is cut`)
  }

  #name(rank: number): string {
    return `Rank ${rank} (${this.#peers.get(rank)?.process})`
  }

  #end(last: Message): void {
    if (this.#over) return
    this.#over = true
    clearInterval(this.#clock)
    this.sendAll(last)
    for (const { socket } of this.#peers.values()) socket.end()
  }
}

/** How a rank is called besides its number. */
export function ownProcess(): string {
  return `process ${process.pid} on ${hostname()}`
}

function hostOf(process = ''): string {
  return process.slice(process.indexOf(' on '))
}
