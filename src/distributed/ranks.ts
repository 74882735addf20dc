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
  /** What rank 0 says; the others are not asked. @param what names the call, in errors */
  fromFirst<T>(what: string, value: () => T | Promise<T>): Promise<T>
}

/** What a rank that is not 0 gives `fromFirst`. */
export const onlyOnRank0 = (): never => {
  throw new Error('rank 0 says this, and no other is asked')
}

/** A process that trains by itself. */
export const ALONE: Ranks = {
  rank: 0,
  worldSize: 1,
  gather: (_, value) => Promise.resolve([value]),
  fromFirst: async (_, value) => value(),
}
