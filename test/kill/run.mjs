// Starts the command line, and kills it at a moment of its life.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../scripts/torchgraft.mjs', import.meta.url))
const PRELOAD = new URL('kill-at.mjs', import.meta.url).href

/**
 * @typedef {{ readonly kind: 'time', readonly milliseconds: number }} AtTime
 * @typedef {{ readonly kind: 'operation', readonly op: number, readonly when: 'before' | 'half' | 'after' }} AtOperation
 * @typedef {AtTime | AtOperation | { readonly kind: 'none', readonly count?: string }} Fate
 * @typedef {{ readonly code: number | null, readonly signal: string | null, readonly stderr: string, readonly milliseconds: number }} End
 *
 * @param {readonly string[]} args
 * @param {{ readonly cwd: string, readonly run: string, readonly fate: Fate }} how
 * @returns {Promise<End>}
 */
export function run(args, { cwd, run, fate }) {
  const at = fate.kind === 'operation' && { KILL_AT: JSON.stringify(fate) }
  const count = fate.kind === 'none' && fate.count !== undefined && { KILL_COUNT: fate.count }
  const env = { ...process.env, KILL_FOLDER: run, ...at, ...count }
  delete env.NODE_OPTIONS
  const began = performance.now()
  const child = spawn(process.execPath, ['--import', PRELOAD, CLI, ...args], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (data) => (stderr += data))
  const timer = fate.kind === 'time' ? setTimeout(() => child.kill('SIGKILL'), fate.milliseconds) : undefined
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stderr, milliseconds: performance.now() - began })
    })
  })
}
