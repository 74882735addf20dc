import { createInterface } from 'node:readline'
import { start } from './children.mjs'

/** @typedef {import('./children.mjs').Program} Program */
/**
 * @typedef {object} Listeners
 * @property {(line: string, seconds: number, stop: () => void) => void} [onLine] told each line of stdout and when it came
 * @property {(pid: number) => void} [onStart]
 */

/**
 * A program from start to end, or to where it is stopped.
 *
 * @param {Program} program
 * @param {Listeners} [listeners]
 * @returns {Promise<{ readonly lines: readonly string[], readonly seconds: number }>}
 */
export async function runProgram({ command, args, env, cwd }, { onLine, onStart } = {}) {
  const began = performance.now()
  const since = () => (performance.now() - began) / 1000
  const child = start({ command, args, env, cwd })
  let stopped = false
  /** @type {string[]} */
  const lines = []
  /** @type {string[]} */
  const said = []
  const stop = () => {
    stopped = true
    child.kill('SIGKILL')
  }
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    if (!stopped) onLine?.(line, since(), stop)
  })
  createInterface({ input: child.stderr }).on('line', (line) => said.push(line))
  if (child.pid !== undefined) onStart?.(child.pid)
  /** @type {string | number | null} */
  const end = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  if (end !== 0 && !stopped) throw new Error(`${command.split('/').at(-1)} ${args.slice(0, 3).join(' ')} ended with ${end}: ${said.slice(-10).join('\n')}`)
  return { lines, seconds: since() }
}
