/**
 * The processes that train together, as one of them sees it. All of them make the same calls in the same order; numbers are in the
 * order of the ranks. Whatever ends one rank rejects what the others wait for.
 */
export interface Ranks {
  /** From 0: this process's. */
  readonly rank: number
  readonly worldSize: number
  /** Every rank's value. Values are what JSON holds. @param what names the call, in errors */
  gather<T>(what: string, value: T): Promise<readonly T[]>
  /** What rank 0 says; the others' value is not asked for. @param what names the call, in errors */
  fromFirst<T>(what: string, value: () => T): Promise<T>
}

/** A process that trains by itself. */
export const ALONE: Ranks = {
  rank: 0,
  worldSize: 1,
  gather: (_, value) => Promise.resolve([value]),
  fromFirst: (_, value) => Promise.resolve(value()),
}
