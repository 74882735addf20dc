// The walls of the C++: native/torch never sees Node-API, native/node never sees libtorch, and within native/torch no include leads
// back up (rooms.js).
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KNOWN_INCLUDES, NATIVE_ROOMS } from '../rooms.js'

const NODE_API = /#\s*include\s*[<"](?:napi|node_api|js_native_api|uv|v8|node\/)/
const LIBTORCH = /#\s*include\s*[<"](?:torch|ATen|c10)\//
/** What native/node may see of native/torch, whose headers include nothing of libtorch. */
const SEEN = '(?:session\\/(?:session|batch|system|error)|models\\/graph|optim\\/options|distributed\\/group)\\.h'

const RULES = [
  { room: 'torch', forbidden: NODE_API, says: 'includes Node-API' },
  { room: 'check', forbidden: NODE_API, says: 'includes Node-API' },
  { room: 'node', forbidden: new RegExp(`#\\s*include\\s*[<"](?:torch\\/(?!${SEEN})|ATen|c10|caffe2)`), says: 'includes libtorch' },
  { room: 'loader', forbidden: LIBTORCH, says: 'includes libtorch' },
  { room: 'images', forbidden: LIBTORCH, says: 'includes libtorch' },
  { room: 'torch', only: new RegExp(`^${SEEN}$`), forbidden: /#\s*include\s*<(?:torch|ATen|c10)\//, says: 'is seen by native/node, and includes libtorch' },
]

/** @param {string} folder @returns {string[]} the names of its C++ files, those in folders of it too */
function sourcesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:cc|h|cu)$/.test(name))
}

/** @param {string} root @returns {string[]} breaches of the walls between the rooms of native/, as `file:line: what` */
export function findBreaches(root) {
  return [...findForbiddenIncludes(root), ...findSharedIncludes(root)]
}

/** @param {string} root @returns {string[]} */
function findForbiddenIncludes(root) {
  return RULES.flatMap(({ room, only, forbidden, says }) => {
    const folder = join(root, 'native', room)
    return sourcesIn(folder).filter((name) => !only || only.test(name)).flatMap((name) => {
      const lines = readFileSync(join(folder, name), 'utf8').split('\n')
      return lines.flatMap((line, i) => (forbidden.test(line) ? [`native/${room}/${name}:${i + 1}: ${says}`] : []))
    })
  })
}

const KERNELS = 'native/torch/kernels/kernels.cmake'

/**
 * Kernels' bodies, and all that they include, are compiled for some processors alone. The linker keeps one copy of an inline
 * function: it must not be one with instructions that a processor may lack.
 *
 * @param {string} root @returns {string[]}
 */
function findSharedIncludes(root) {
  if (!existsSync(join(root, KERNELS))) return []
  const bodies = [...readFileSync(join(root, KERNELS), 'utf8').matchAll(/\bBODY ([\w/]+\.h)\b/g)].map(([, body]) => `torch/kernels/${body}`)
  const reached = new Set(bodies)
  /** @type {string[]} */
  const breaches = []
  for (const file of reached) {
    for (const [i, line] of readFileSync(join(root, 'native', file), 'utf8').split('\n').entries()) {
      const included = /^\s*#\s*include\s*([<"])([^>"]+)/.exec(line)
      if (!included) continue
      const [, quote, name] = /** @type {[string, string, string]} */ (/** @type {unknown} */ (included))
      if (quote === '"' && name.startsWith('torch/kernels/')) reached.add(name)
      else if (quote === '"' || !/^(?:cstdint|cstddef|immintrin\.h)$/.test(name)) breaches.push(`native/${file}:${i + 1}: is compiled for some processors, and includes what others share`)
    }
  }
  return breaches
}

/** @param {string} file in native/torch */
function roomOf(file) {
  return Object.entries(NATIVE_ROOMS).find(([, { of }]) => of.test(file))?.[0]
}

/** @param {string} from @param {string} to @returns {string | undefined} why the one may not include the other */
function objection(from, to) {
  const [room, other] = [roomOf(from), roomOf(to)]
  if (room === undefined || other === undefined) return `there is no room for ${room === undefined ? from : to} in rooms.js`
  const may = NATIVE_ROOMS[room]?.may ?? ''
  if (other === room || may.split(' ').includes(other) || KNOWN_INCLUDES.some(([a, b]) => a === from && b === to)) return undefined
  return `${room} includes of ${other}, and may of ${may === '' ? 'no other room' : may.replaceAll(' ', ', ')}`
}

/** @param {string} root @returns {string[]} includes within native/torch that rooms.js does not allow, as `file:line: what` */
export function findIncludes(root) {
  const folder = join(root, 'native', 'torch')
  return sourcesIn(folder).flatMap((name) => {
    const lines = readFileSync(join(folder, name), 'utf8').split('\n')
    return lines.flatMap((line, i) => {
      const included = /^\s*#\s*include\s*"torch\/([^"]+)"/.exec(line)?.[1]
      const says = included === undefined ? undefined : objection(name.replaceAll('\\', '/'), included)
      return says === undefined ? [] : [`native/torch/${name}:${i + 1}: ${says}`]
    })
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const breaches = [...findBreaches(root), ...findIncludes(root)]
  for (const breach of breaches) console.error(breach)
  process.exitCode = breaches.length > 0 ? 1 : 0
}
