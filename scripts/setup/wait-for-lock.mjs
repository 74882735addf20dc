import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryLock } from '../common/lock.mjs'

/**
 * Waits until no other set-up works in this folder, then keeps it for this one.
 *
 * @param {string} path
 * @param {(line: string) => void} say
 * @returns {Promise<() => Promise<void>>} gives it back
 */
export async function waitForLock(path, say) {
  mkdirSync(dirname(path), { recursive: true })
  for (let reported = false; ; reported = true) {
    const lock = await tryLock(path)
    if ('release' in lock) return lock.release
    const { pid, host, life } = lock.holder
    const who = life === 'alive'
      ? `Another set-up is running here (process ${pid}); waiting for it.`
      : `Another set-up (process ${pid} on ${host}) may be running here; waiting for it. If it is gone, remove ${path}`
    if (!reported) say(who)
    await sleep(300)
  }
}
