// The wall between the C++ rooms: native/torch never sees Node-API, native/node never sees libtorch.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const RULES = [
  { room: 'torch', forbidden: /#\s*include\s*[<"](?:napi|node_api|js_native_api|uv|v8|node\/)/, says: 'includes Node-API' },
  { room: 'check', forbidden: /#\s*include\s*[<"](?:napi|node_api|js_native_api|uv|v8|node\/)/, says: 'includes Node-API' },
  { room: 'node', forbidden: /#\s*include\s*[<"](?:torch\/(?!session\/(?:error|session|system|batch)\.h|models\/graph\.h)|ATen|c10|caffe2)/, says: 'includes libtorch' },
  // The linker keeps one copy of an inline function: it must not be one with instructions that a processor may lack.
  { room: 'torch', only: /_(?:avx2|avx512|avx512_bf16|amx)\.cc$/, forbidden: /#\s*include\s*<(?!cstdint>|cstddef>|immintrin\.h>)/, says: 'is compiled for some processors, and includes what others share' },
  { room: 'loader', forbidden: /#\s*include\s*[<"](?:torch|ATen|c10)\//, says: 'includes libtorch' },
  { room: 'images', forbidden: /#\s*include\s*[<"](?:torch|ATen|c10)\//, says: 'includes libtorch' },
  { room: 'torch', only: /^(?:session\/(?:session|batch|system|error)|models\/graph)\.h$/, forbidden: /#\s*include\s*<(?:torch|ATen|c10)\//, says: 'is seen by native/node, and includes libtorch' },
]

/** @param {string} root @returns {string[]} breaches, as `file:line: what` */
export function findBreaches(root) {
  return RULES.flatMap(({ room, only, forbidden, says }) => {
    const folder = join(root, 'native', room)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:cc|h)$/.test(name) && (!only || only.test(name)))
    return files.flatMap((name) => {
      const lines = readFileSync(join(folder, name), 'utf8').split('\n')
      return lines.flatMap((line, i) => (forbidden.test(line) ? [`native/${room}/${name}:${i + 1}: ${says}`] : []))
    })
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const breaches = findBreaches(fileURLToPath(new URL('..', import.meta.url)))
  for (const breach of breaches) console.error(breach)
  process.exitCode = breaches.length > 0 ? 1 : 0
}
