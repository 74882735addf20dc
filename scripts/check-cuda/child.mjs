import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Lines of a child's output that are kept for when it fails. */
const KEPT = 60

/** @typedef {import('./types.d.mts').Child} Child */
/** @typedef {import('./types.d.mts').ChildOptions} ChildOptions */
/** @typedef {import('./types.d.mts').End} End */

/** @type {Set<() => void>} */
const running = new Set()

/** Ends every child that is still there, with all that it has started. */
export function stopChildren() {
  for (const stop of running) stop()
}

/**
 * Starts a command in a process group of its own; it is killed when its time is up, or at the signal. Its output comes line
 * by line, stdout's and stderr's together.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {ChildOptions} options
 * @returns {Child}
 */
export function startChild(command, args, { cwd, env, limit, signal, onLine = () => {} }) {
  const began = performance.now()
  const child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  /** @type {string[]} */
  const lines = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > KEPT) lines.shift()
      onLine(line)
    })
  }
  child.stdin.on('error', () => {}) // it has ended, which is told below
  let late = false
  const stop = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // it has ended
    }
  }
  running.add(stop)
  const timer = setTimeout(() => {
    late = true
    stop()
  }, limit * 1000)
  signal?.addEventListener('abort', stop, { once: true })
  /** @type {Promise<End>} */
  const end = new Promise((resolve) => {
    /** @param {Pick<End, 'code' | 'signal' | 'error'>} how */
    const over = (how) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      running.delete(stop)
      resolve({ ...how, command: [command, ...args].map(quote).join(' '), lines, late, seconds: (performance.now() - began) / 1000 })
    }
    child.once('error', (error) => over({ code: null, signal: null, error }))
    child.once('close', (code, signal) => over({ code, signal }))
  })
  return { end, stop, send: (line) => void child.stdin.write(`${line}\n`) }
}

/** For a shell. @param {string} word */
function quote(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** How a child ended, in words. @param {End} end @param {number} limit in seconds */
export function howItEnded({ code, signal, error, late }, limit) {
  if (error) return `could not be started: ${error.message}`
  if (late) return `was ended after its ${limit} s`
  return signal ? `was ended by ${signal}` : `ended with code ${code}`
}

/**
 * Runs a child that says what it found as lines of JSON; what else it prints is kept for when it fails.
 *
 * @param {string} command @param {readonly string[]} args
 * @param {ChildOptions & { readonly onMessage: (message: any) => void }} options
 */
export function startTeller(command, args, { onMessage, ...options }) {
  return startChild(command, args, {
    ...options,
    onLine(line) {
      options.onLine?.(line)
      const message = parse(line)
      if (message !== undefined) onMessage(message)
    },
  })
}

/** @param {string} line @returns {unknown} undefined where it is no object of JSON */
function parse(line) {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
