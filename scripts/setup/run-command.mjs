import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { SetupError } from './errors.mjs'

/** Lines of a log that are shown when its command fails. */
const SHOWN = 25

/**
 * @typedef {object} CommandOptions
 * @property {string} cwd
 * @property {string} log the file that takes what the command says
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [failed] what to say where it fails; else the command itself
 * @property {string} [advice] what to do then
 * @property {(log: string) => string | undefined} [excerpt] what of the log to show then
 * @property {(text: string) => void} [onOutput]
 */

/**
 * Runs a command with its output in a log file. When it fails, what failed and what to do are the error's first line; what
 * `excerpt` finds in the log follows, or its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {CommandOptions} options
 */
export async function runCommand(command, args, {
  cwd,
  log,
  env = process.env,
  failed,
  advice = '',
  excerpt = () => undefined,
  onOutput = () => {},
}) {
  mkdirSync(dirname(log), { recursive: true })
  const file = createWriteStream(log)
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (/** @type {Buffer} */ data) => {
      file.write(data)
      onOutput(data.toString())
    })
  }
  const letGo = endTogether(child)
  /** @type {{ readonly code: number | null, readonly error?: Error }} */
  const end = await new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, error }))
    child.once('close', (code) => resolve({ code }))
  })
  letGo()
  await new Promise((resolve) => file.end(resolve))
  if (end.code === 0) return
  const text = readFileSync(log, 'utf8').trimEnd()
  const shown = excerpt(text) ?? text.split('\n').slice(-SHOWN).join('\n')
  const how = end.error ? end.error.message : `code ${end.code}`
  const what = failed ?? `${[command.split('/').at(-1), ...args].join(' ').slice(0, 200)} failed`
  throw new SetupError(`${what} (${how}).${advice === '' ? '' : ` ${advice}`}\n${shown}\nThe whole log: ${log}`)
}

/**
 * A signal that ends this process ends its child first: one left behind would get in the way of the next set-up.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => void} to call when the child has ended by itself
 */
function endTogether(child) {
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
  const onSignal = (/** @type {NodeJS.Signals} */ signal) => {
    letGo()
    child.once('close', () => process.kill(process.pid, signal))
    child.kill('SIGTERM')
  }
  const letGo = () => {
    for (const signal of signals) process.off(signal, onSignal)
  }
  for (const signal of signals) process.on(signal, onSignal)
  return letGo
}
