export interface Lock {
  /** Set where the holder of an earlier lock was found dead: its number, or null where the lock does not tell. */
  readonly staleLockPid?: number | null
  readonly release: () => Promise<void>
}

export interface Holder {
  /** null where the lock does not tell. */
  readonly pid: number | null
  readonly host: string | null
  readonly life: 'alive' | 'dead' | 'unknown'
}

/** Takes the lock at `path`, or tells who holds it. @throws what the file system says */
export function tryLock(path: string): Promise<Lock | { readonly holder: Holder }>
export function holderOf(path: string): Promise<Holder | undefined>
export function isLockLeftover(lock: string, name: string): boolean
