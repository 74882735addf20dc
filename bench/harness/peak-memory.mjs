import { existsSync, readFileSync, readdirSync } from 'node:fs'

const EVERY_MS = 20

/** Whether this system tells the memory of a process. */
export const canWatchMemory = existsSync('/proc/self/status')

/**
 * Watches the resident set of a process and of all that it starts.
 *
 * @param {number} pid
 * @returns {() => number} ends the watch, and gives the peak in bytes
 */
export function watchMemory(pid) {
  let peak = 0
  const look = () => {
    const root = resident(pid)
    const children = treeOf(pid).filter((each) => each !== pid)
    // What the system itself has seen as the peak, which a look each 20 ms may miss.
    peak = Math.max(peak, root.peak, children.reduce((sum, child) => sum + resident(child).now, root.now))
  }
  const timer = setInterval(look, EVERY_MS)
  return () => {
    clearInterval(timer)
    look()
    return peak
  }
}

/** @param {number} pid */
function resident(pid) {
  const status = read(`/proc/${pid}/status`)
  const bytes = (/** @type {string} */ name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') }
}

/** @param {number} pid @returns {number[]} */
function treeOf(pid) {
  const threads = list(`/proc/${pid}/task`)
  const children = threads
    .flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' '))
    .filter((part) => part !== '')
    .map(Number)
  return [pid, ...children.flatMap((child) => treeOf(child))]
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // it has ended
  }
}

/** @param {string} folder */
function list(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
