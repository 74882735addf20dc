import type { Message } from './messages.js'
import { type Peer, Peers } from './peers.js'

type Round = Extract<Message, { readonly type: 'round' }>

/** The end of a rank that is not 0: it talks to rank 0 alone. */
export class OtherRank extends Peers {
  readonly rank: number
  readonly worldSize: number
  readonly #waiting = new Map<number, (round: Round) => void>()
  readonly #early = new Map<number, Round>()

  constructor(rank: number, worldSize: number, first: Peer, now?: () => number) {
    super([first], now)
    this.rank = rank
    this.worldSize = worldSize
    this.listen()
  }

  gather<T>(what: string, value: T): Promise<readonly T[]> {
    const round = this.nextRound()
    this.sendAll({ type: 'part', round, what, value })
    return this.#roundOf(round, what) as Promise<readonly T[]>
  }

  fromFirst<T>(what: string): Promise<T> {
    return this.#roundOf(this.nextRound(), what) as Promise<T>
  }

  protected take(_: number, message: Round): void {
    const waiting = this.#waiting.get(message.round)
    this.#waiting.delete(message.round)
    if (waiting) waiting(message)
    else this.#early.set(message.round, message)
  }

  async #roundOf(number: number, what: string): Promise<unknown> {
    const early = this.#early.get(number)
    this.#early.delete(number)
    const come = early ?? new Promise<Round>((resolve) => this.#waiting.set(number, resolve))
    const round = await Promise.race([come, this.failure])
    if (round.what !== what) this.endAtOdds(this.rank, what, round.what)
    return round.what === what ? round.value : this.failure
  }
}
