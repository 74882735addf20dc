import type { Message } from './messages.js'
import { type Peer, Peers } from './peers.js'

type Part = Extract<Message, { readonly type: 'part' }>

interface Round {
  readonly parts: Map<number, Part>
  /** Set once rank 0 has come to it. */
  own?: { readonly what: string; readonly value: unknown; readonly done: (values: readonly unknown[]) => void }
}

/** Rank 0's end: every round passes through it. */
export class FirstRank extends Peers {
  readonly rank = 0
  readonly worldSize: number
  readonly #rounds = new Map<number, Round>()

  constructor(peers: readonly Peer[], now?: () => number) {
    super(peers, now)
    this.worldSize = peers.length + 1
    this.listen()
  }

  gather<T>(what: string, value: T): Promise<readonly T[]> {
    const number = this.nextRound()
    const values = new Promise<readonly unknown[]>((done) => {
      this.#roundOf(number).own = { what, value, done }
      this.#finish(number)
    })
    return Promise.race([values as Promise<readonly T[]>, this.failure])
  }

  async fromFirst<T>(what: string, value: () => T | Promise<T>): Promise<T> {
    const round = this.nextRound()
    const said = await value()
    this.sendAll({ type: 'round', round, what, value: said })
    return said
  }

  protected take(from: number, message: Part): void {
    this.#roundOf(message.round).parts.set(from, message)
    this.#finish(message.round)
  }

  #roundOf(number: number): Round {
    let round = this.#rounds.get(number)
    if (!round) this.#rounds.set(number, (round = { parts: new Map() }))
    return round
  }

  #finish(number: number): void {
    const { parts, own } = this.#roundOf(number)
    if (!own) return
    for (const [rank, { what }] of parts) if (what !== own.what) return this.endAtOdds(rank, what, own.what)
    if (parts.size < this.worldSize - 1) return
    const values = Array.from({ length: this.worldSize }, (_, rank) => (rank === 0 ? own.value : parts.get(rank)?.value))
    this.#rounds.delete(number)
    this.sendAll({ type: 'round', round: number, what: own.what, value: values })
    own.done(values)
  }
}
