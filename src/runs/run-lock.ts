import { join } from 'node:path'
import { type Holder, holderOf as holderOfLock, isLockLeftover, type Lock, tryLock } from '../../scripts/common/lock.mjs'
import { type Message, TorchgraftError } from '../errors.js'
import { systemReason } from '../text/system-reason.js'

const LOCK_FILE = 'run.lock'

export type { Holder, Lock as RunLock }

/**
 * Keeps a run folder for this process. A lock whose holder is dead is taken over.
 *
 * @throws ERR_RUN_LOCKED, naming the process that holds it; ERR_WRITE
 */
export async function lockRun(folder: string): Promise<Lock> {
  const path = join(folder, LOCK_FILE)
  const result = await tryLock(path).catch((cause: unknown) => {
    throw new TorchgraftError('ERR_WRITE', `Could not write into ${folder}: ${systemReason(cause)}. Choose a folder that you may write to`, { path: folder, cause })
  })
  if ('holder' in result) throw lockedError(folder, path, result.holder)
  return result
}

/** Who holds a run folder, or held it and is dead; undefined where nobody does. */
export function holderOf(folder: string): Promise<Holder | undefined> {
  return holderOfLock(join(folder, LOCK_FILE))
}

/** Whether a file was left by a process that died while it took the folder. */
export function isLeftover(name: string): boolean {
  return isLockLeftover(LOCK_FILE, name)
}

function lockedError(folder: string, path: string, { pid, host, life }: Holder): TorchgraftError {
  const message: Message = life === 'alive'
    ? (option) => `Process ${pid} is training in ${folder}. Wait for it, or choose another ${option('output')}`
    : `Process ${pid} on ${host} has locked this run, and whether it is still running cannot be seen from here. If it is not, remove ${path}`
  return new TorchgraftError('ERR_RUN_LOCKED', message, { path: folder })
}
