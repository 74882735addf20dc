import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Waits until no other set-up works in this folder, then keeps it for this one. A lock whose holder is dead is taken over.
 *
 * @param {string} path
 * @param {(line: string) => void} say
 * @returns {Promise<() => void>} gives it back
 */
export async function takeLock(path, say) {
  mkdirSync(dirname(path), { recursive: true })
  const own = `${path}.${process.pid}`
  writeFileSync(own, String(process.pid))
  let told = false
  try {
    while (!linked(own, path)) {
      const holder = readHolder(path)
      if (holder === undefined || !isAlive(holder)) {
        rmSync(path, { force: true })
        continue
      }
      if (!told) say(`Another set-up is running here (process ${holder}); waiting for it.`)
      told = true
      await sleep(300)
    }
  } finally {
    rmSync(own, { force: true })
  }
  return () => rmSync(path, { force: true })
}

/** A link is made whole or not at all, and never over another. @param {string} from @param {string} to */
function linked(from, to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
}

/** @param {string} path */
function readHolder(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'))
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}
