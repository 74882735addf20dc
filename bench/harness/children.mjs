import { spawn } from 'node:child_process'

/**
 * @typedef {object} Program to start
 * @property {string} command
 * @property {readonly string[]} args
 * @property {NodeJS.ProcessEnv} env
 * @property {string} cwd
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/** Starts a program, which ends with this process. @param {Program} program */
export function start({ command, args, env, cwd }) {
  const child = spawn(command, args, { env, cwd, stdio: 'pipe' })
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

/** Kills what still runs. */
export function endAll() {
  for (const child of running) child.kill('SIGKILL')
}
