import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild, startTeller } from '../child.mjs'
import { CheckFailed, childFailed } from '../part.mjs'

/** @typedef {import('../types.d.mts').Context} Context */

const BUILD_LIMIT = 240
const PROBE_LIMIT = 60

/**
 * Builds, then opens what was built in a process of its own, to see which devices it finds.
 *
 * @param {Context} context @param {AbortSignal} signal
 */
export async function build(context, signal) {
  const { root, env, device, tell } = context
  const child = new URL('build-child.mjs', import.meta.url).pathname
  const options = { cwd: root, env, limit: BUILD_LIMIT, signal, onLine: (/** @type {string} */ line) => tell(`  ${line}`) }
  const end = await startChild(process.execPath, [child], options).end
  if (end.code !== 0) throw childFailed('The build', end, BUILD_LIMIT)
  const seen = await devices(context, signal)
  if (device !== 'cpu' && !seen.includes(device)) {
    const sees = seen.join(', ') || 'no CUDA device'
    throw new CheckFailed(`libtorch sees ${sees}, and this asks for ${device}. Does nvidia-smi work, and is CUDA_VISIBLE_DEVICES set?`)
  }
  const headers = cudaHeaders(env['TORCHGRAFT_BUILD'] || join(root, 'build'))
  return `sees ${seen.join(', ') || 'no GPU'}${headers}`
}

/** @param {Context} context @param {AbortSignal} signal @returns {Promise<readonly string[]>} */
async function devices({ root, env }, signal) {
  /** @type {readonly string[]} */
  let seen = []
  const code = `import { loadAddon } from ${JSON.stringify(new URL('../../../dist/addon/load.js', import.meta.url).href)}
console.log(JSON.stringify({ cuda: loadAddon().system().cuda }))`
  const args = ['--input-type=module', '-e', code]
  const onMessage = (/** @type {{ readonly cuda: readonly string[] }} */ { cuda }) => { seen = cuda }
  const end = await startTeller(process.execPath, args, { cwd: root, env, limit: PROBE_LIMIT, signal, onMessage }).end
  if (end.code !== 0) throw childFailed('A process that opens the addon', end, PROBE_LIMIT)
  return seen
}

/** Where CMake found CUDA's headers, where it has looked for them: without them no step is recorded. @param {string} folder */
function cudaHeaders(folder) {
  const cache = join(folder, 'CMakeCache.txt')
  if (!existsSync(cache)) return ''
  const found = /^CUDA_HEADERS:\w+=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1]
  if (found === undefined) return ''
  if (found.endsWith('NOTFOUND')) return "; WITHOUT CUDA's headers, so steps are launched operation by operation"
  return `; CUDA's headers in ${found}`
}
