// The walls of the C++: native/torch never sees Node-API, native/node never sees libtorch, and within native/torch no include leads
// back up (rooms.js).
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KNOWN_INCLUDES, NATIVE_ROOMS } from '../rooms.js'

const NODE_API = /#\s*include\s*[<"](?:napi|node_api|js_native_api|uv|v8|node\/)/
const LIBTORCH = /#\s*include\s*[<"](?:torch|ATen|c10)\//
/** What native/node may see of native/torch, whose headers include nothing of libtorch. */
const SEEN = '(?:session\\/(?:session|batch|system|error)|models\\/regnet_variants)\\.h'

const RULES = [
  { room: 'torch', forbidden: NODE_API, says: 'includes Node-API' },
  { room: 'check', forbidden: NODE_API, says: 'includes Node-API' },
  { room: 'node', forbidden: new RegExp(`#\\s*include\\s*[<"](?:torch\\/(?!${SEEN})|ATen|c10|caffe2)`), says: 'includes libtorch' },
  // The linker keeps one copy of an inline function: it must not be one with instructions that a processor may lack.
  {
    room: 'torch',
    only: /_(?:avx2|avx512|avx512_bf16|amx)\.cc$/,
    forbidden: /#\s*include\s*<(?!cstdint>|cstddef>|immintrin\.h>)/,
    says: 'is compiled for some processors, and includes what others share',
  },
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
  return RULES.flatMap(({ room, only, forbidden, says }) => {
    const folder = join(root, 'native', room)
    return sourcesIn(folder).filter((name) => !only || only.test(name)).flatMap((name) => {
      const lines = readFileSync(join(folder, name), 'utf8').split('\n')
      return lines.flatMap((line, i) => (forbidden.test(line) ? [`native/${room}/${name}:${i + 1}: ${says}`] : []))
    })
  })
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
