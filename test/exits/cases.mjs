// How a process may end, in the middle of what, and what Node would say of it.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url))
/** One that hangs is ended by this, which no case expects with so much said. */
const PATIENCE_MS = 240_000

export const MOMENTS = ['making a session', 'a step', 'steps waiting', 'loading weights', 'decoding']

/**
 * What each end must come to: an exit code or a signal, and what is said.
 *
 * @type {Readonly<Record<string, { readonly code: number | null, readonly signal: string | null, readonly says: string }>>}
 */
export const ENDS = {
  'dispose()': { code: 0, signal: null, says: '' },
  'process.exit': { code: 7, signal: null, says: '' },
  'an uncaught error': { code: 1, signal: null, says: 'thrown on purpose' },
  'an unhandled rejection': { code: 1, signal: null, says: 'rejected on purpose' },
  'SIGTERM': { code: null, signal: 'SIGTERM', says: '' },
  'SIGINT': { code: null, signal: 'SIGINT', says: '' },
  'SIGKILL': { code: null, signal: 'SIGKILL', says: '' },
  'a handler of SIGTERM that exits': { code: 143, signal: null, says: '' },
  'a worker terminated': { code: 0, signal: null, says: 'alive after 1 step' },
  'a worker that exits': { code: 0, signal: null, says: 'alive after 1 step' },
  'a worker that throws': { code: 0, signal: null, says: 'alive after 1 step' },
  'garbage collection': { code: 0, signal: null, says: 'collected' },
}

/**
 * Runs one case once. What is wrong with how it ended, or undefined.
 *
 * @param {string} moment
 * @param {string} end
 * @param {number} delay milliseconds into the moment
 * @returns {Promise<string | undefined>}
 */
export async function runCase(moment, end, delay) {
  const expected = ENDS[end]
  if (!expected) throw new Error(`There is no end ${end}`)
  const env = { ...process.env, NODE_OPTIONS: '' } // jest's own flags are not the child's
  const child = spawn(process.execPath, ['--expose-gc', CHILD, moment, end, String(delay)], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (/** @type {Buffer} */ data) => (said += data.toString()))
  let hung = false
  const timer = setTimeout(() => (hung = child.kill('SIGKILL')), PATIENCE_MS)
  /** @type {{ readonly code: number | null, readonly signal: string | null }} */
  const { code, signal } = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  clearTimeout(timer)
  if (!hung && code === expected.code && signal === expected.signal && said.includes(expected.says)) return undefined
  const how = hung ? 'it hung' : `code ${code}, signal ${signal}, where it should be ${expected.code}, ${expected.signal}`
  return `${how}, ${delay} ms into ${moment}${said === '' ? '' : `:\n${said.slice(0, 2000)}`}`
}
