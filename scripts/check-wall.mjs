// The wall between the C++ rooms: native/torch never sees Node-API, native/node never sees libtorch.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const RULES = [
  { room: 'torch', forbidden: /#\s*include\s*[<"](?:napi|node_api|js_native_api|uv|v8|node\/)/, says: 'includes Node-API' },
  { room: 'check', forbidden: /#\s*include\s*[<"](?:napi|node_api|js_native_api|uv|v8|node\/)/, says: 'includes Node-API' },
  { room: 'node', forbidden: /#\s*include\s*[<"](?:torch\/(?!session\/(?:error|session|system|batch)\.h|models\/regnet_variants\.h)|ATen|c10|caffe2)/, says: 'includes libtorch' },
  { room: 'loader', forbidden: /#\s*include\s*[<"](?:torch|ATen|c10)\//, says: 'includes libtorch' },
  { room: 'images', forbidden: /#\s*include\s*[<"](?:torch|ATen|c10)\//, says: 'includes libtorch' },
  { room: 'torch', only: /^(?:session\/(?:session|batch|system|error)|models\/regnet_variants)\.h$/, forbidden: /#\s*include\s*<(?:torch|ATen|c10)\//, says: 'is seen by native/node, and includes libtorch' },
]

/** @param {string} root @returns {string[]} breaches, as `file:line: what` */
export function findBreaches(root) {
  return [...findForbiddenIncludes(root), ...findSharedIncludes(root)]
}

/** @param {string} root @returns {string[]} */
function findForbiddenIncludes(root) {
  return RULES.flatMap(({ room, only, forbidden, says }) => {
    const folder = join(root, 'native', room)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:cc|h)$/.test(name) && (!only || only.test(name)))
    return files.flatMap((name) => {
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const breaches = findBreaches(fileURLToPath(new URL('..', import.meta.url)))
  for (const breach of breaches) console.error(breach)
  process.exitCode = breaches.length > 0 ? 1 : 0
}
