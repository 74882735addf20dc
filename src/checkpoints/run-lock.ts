import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Message, TorchgraftError } from '../errors.js'
import { writeError } from '../formats/write-file.js'
import { systemReason } from '../system-reason.js'
import { life, ownIdentity, type ProcessIdentity } from './process-identity.js'

const LOCK_FILE = 'run.lock'
/** Names that a lock is prepared and put aside under, with the process that does. */
export const LOCK_LEFTOVER = /^run\.lock\.(\d+)(?:\.dead)?$/

export interface RunLock {
  /** Set where the holder of an earlier lock was found dead: its number, or null where the lock does not tell. */
  readonly tookOver?: number | null
  release(): Promise<void>
}

export interface Holder {
  /** null where the lock does not tell. */
  readonly pid: number | null
  readonly host: string | null
  readonly life: ReturnType<typeof life>
}

/**
 * Keeps a run folder for this process. A lock whose holder is dead is taken over.
 *
 * @throws ERR_RUN_LOCKED, naming the process that holds it; ERR_WRITE
 */
export async function lockRun(folder: string): Promise<RunLock> {
  const path = join(folder, LOCK_FILE)
  const own = `${path}.${process.pid}`
  const text = JSON.stringify(ownIdentity())
  try {
    await writeFile(own, text)
  } catch (cause) {
    throw new TorchgraftError('ERR_WRITE', `Could not write into ${folder}: ${systemReason(cause)}. Choose a folder that you may write to`, { path: folder, cause })
  }
  try {
    let tookOver: number | null | undefined
    while (!(await linked(own, path))) {
      const found = await readFile(path, 'utf8').catch(ifGone(path))
      if (found === undefined) continue // just released
      const holder = holderIn(found)
      if (holder.life !== 'dead') throw lockedError(folder, path, holder)
      if (await movedAway(path, found)) tookOver = holder.pid
    }
    return { ...(tookOver !== undefined && { tookOver }), release: () => release(path, text) }
  } finally {
    await rm(own, { force: true })
  }
}

/** Who holds a run folder, or held it and is dead; undefined where nobody does. */
export async function holderOf(folder: string): Promise<Holder | undefined> {
  const found = await readFile(join(folder, LOCK_FILE), 'utf8').catch(() => undefined)
  return found === undefined ? undefined : holderIn(found)
}

function holderIn(text: string): Holder {
  try {
    const { pid, host, system, started } = JSON.parse(text) as Record<keyof ProcessIdentity, unknown>
    if (Number.isSafeInteger(pid) && (pid as number) > 0) {
      const known = Object.entries({ host, system, started }).filter((entry) => typeof entry[1] === 'string')
      return { pid: pid as number, host: typeof host === 'string' ? host : null, life: life({ pid: pid as number, ...(Object.fromEntries(known) as object) }) }
    }
  } catch {
    // A lock is made whole, so this one was damaged, or is no lock: nobody holds it.
  }
  return { pid: null, host: null, life: 'dead' }
}

function lockedError(folder: string, path: string, { pid, host, life }: Holder): TorchgraftError {
  const message: Message = life === 'alive'
    ? (option) => `Process ${pid} is training in ${folder}. Wait for it, or choose another ${option('output')}`
    : `Process ${pid} on ${host} has locked this run, and whether it is still running cannot be seen from here. If it is not, remove ${path}`
  return new TorchgraftError('ERR_RUN_LOCKED', message, { path: folder })
}

/** Links are made whole or not at all, and never over another: a lock that is seen has its holder in it. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error
  }
  return writeFile(to, await readFile(from), { flag: 'wx' }).then(() => true, () => false) // no hard links there
}

/** Another process may take it over at the same time: only the very lock that was judged goes. */
async function movedAway(path: string, judged: string): Promise<boolean> {
  const aside = `${path}.${process.pid}.dead`
  if ((await rename(path, aside).then(() => true, ifGone(path))) !== true) return false
  const same = (await readFile(aside, 'utf8')) === judged
  if (!same) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
  return same
}

function ifGone(path: string): (error: unknown) => undefined {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw writeError(path, error)
  }
}

/** Where the folder was removed and made anew, the lock in it may be another's. */
async function release(path: string, own: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined)
  if (found === own) await rm(path, { force: true }).catch(() => {}) // one that stays is a dead process's
}
