/** A rank says that it is alive this often. */
export const HEARTBEAT_MS = 1000
/** A rank that has said nothing for so long is stopped, or cut off. */
export const HEARTBEAT_TIMEOUT_MS = 15_000
/** Where this process's own clock jumped by more, it was stopped itself, and what it did not hear is nobody's silence. */
const STOPPED_MS = 3000

/** Tells which ranks have been silent for too long. It only keeps score. */
export class LivenessMonitor {
  readonly #heardAt: Map<number, number>
  #now: number

  constructor(ranks: Iterable<number>, now: number) {
    this.#heardAt = new Map([...ranks].map((rank) => [rank, now]))
    this.#now = now
  }

  heard(rank: number): void {
    if (this.#heardAt.has(rank)) this.#heardAt.set(rank, this.#now)
  }

  /** A rank that has left says no more. */
  forget(rank: number): void {
    this.#heardAt.delete(rank)
  }

  /** Called every `HEARTBEAT_MS`. @param now in milliseconds @returns the first of the ranks that are silent */
  tick(now: number): number | undefined {
    const stopped = now - this.#now > STOPPED_MS
    this.#now = now
    if (stopped) for (const rank of this.#heardAt.keys()) this.#heardAt.set(rank, now)
    return [...this.#heardAt].find(([, heardAt]) => now - heardAt > HEARTBEAT_TIMEOUT_MS)?.[0]
  }
}
