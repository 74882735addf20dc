import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** @typedef {import('./process-identity.mjs').ProcessIdentity} ProcessIdentity */

/** @returns {ProcessIdentity} */
export function ownIdentity() {
  const { system, started } = { system: thisSystem(), started: statusOf(process.pid)?.started }
  return { pid: process.pid, host: hostname(), ...(system !== undefined && { system }), ...(started !== undefined && { started }) }
}

/**
 * Whether a process is alive; a zombie is not. Of another machine's or container's, `unknown`.
 *
 * @param {ProcessIdentity} identity
 * @returns {'alive' | 'dead' | 'unknown'}
 */
export function processState({ pid, host, system, started }) {
  const here = thisSystem()
  if (system !== undefined && here !== undefined && system !== here) {
    return host === hostname() ? 'dead' : 'unknown' // the same name: it was started anew
  }
  if (system === undefined && host !== undefined && host !== hostname()) return 'unknown'
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPERM') return 'dead' // else another user's
  }
  const status = statusOf(pid)
  if (!status) return 'alive' // no /proc on this system
  return 'ZX'.includes(status.state) || (started !== undefined && started !== status.started) ? 'dead' : 'alive'
}

/**
 * State and start from `/proc/PID/stat`, or undefined where it cannot be read. The name before them may hold anything.
 *
 * @param {number} pid
 */
function statusOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', started: fields[19] } // fields 3 and 22 of proc(5)
  } catch {
    return undefined
  }
}

function thisSystem() {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}
