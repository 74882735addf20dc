import { readFileSync } from 'node:fs'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TorchgraftError } from '../errors.js'

const LOCK_FILE = 'run.lock'

export interface RunLock {
  /** Set where the holder of an earlier lock was found dead. */
  readonly tookOver?: number
  release(): Promise<void>
}

/**
 * Keeps a run folder for this process. A lock whose holder is dead is taken over.
 *
 * @throws ERR_RUN_LOCKED, naming the process that holds it
 */
export async function lockRun(folder: string): Promise<RunLock> {
  const path = join(folder, LOCK_FILE)
  const own = `${path}.${process.pid}`
  try {
    await writeFile(own, JSON.stringify({ pid: process.pid }))
  } catch (cause) {
    throw new TorchgraftError('ERR_WRITE', `Could not write into ${folder}: ${(cause as Error).message}. Choose a folder that you may write to`, { path: folder, cause })
  }
  try {
    let tookOver: number | undefined
    while (!(await linked(own, path))) {
      const pid = await holder(path)
      if (pid !== undefined && isAlive(pid)) {
        throw new TorchgraftError('ERR_RUN_LOCKED', `${folder} is being trained by process ${pid}. Wait for it, or choose another --output`, { path: folder })
      }
      tookOver = pid
      await rm(path, { force: true })
    }
    return { ...(tookOver !== undefined && { tookOver }), release: () => rm(path, { force: true }) }
  } finally {
    await rm(own, { force: true })
  }
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

async function holder(path: string): Promise<number | undefined> {
  try {
    const { pid } = JSON.parse(await readFile(path, 'utf8')) as { pid?: unknown }
    return Number.isSafeInteger(pid) ? (pid as number) : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // another user's
  }
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) // a zombie is dead, though it still has its number
  } catch {
    return true // no /proc on this system
  }
}
