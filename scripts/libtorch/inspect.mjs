import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** @typedef {{ readonly folder: string, readonly library: string, readonly version: string, readonly cuda: boolean }} Libtorch */

const SUFFIX = process.platform === 'darwin' ? 'dylib' : 'so'
/** Bytes of NVIDIA's libraries that a CUDA build of libtorch needs beside it, roughly. */
const NVIDIA_SIZE = '2.2 GB'

/** The file that is opened: it brings the rest along. @param {string} folder */
export function libraryFile(folder) {
  return join(folder, 'lib', `libtorch.${SUFFIX}`)
}

/**
 * Looks at a folder that should be a libtorch: by its files alone, nothing is loaded.
 *
 * @param {string} folder
 * @returns {{ readonly libtorch: Libtorch } | { readonly problem: string }}
 */
export function inspectLibtorch(folder) {
  if (!existsSync(folder)) return { problem: `there is no folder ${folder}` }
  const library = libraryFile(folder)
  for (const file of [library, join(folder, 'lib', `libtorch_cpu.${SUFFIX}`)]) {
    if (!existsSync(file)) return { problem: `there is no ${file}` }
    if (statSync(file).size < 1024) return { problem: `${file} is cut short` }
  }
  const version = readVersion(folder)
  if (version === undefined) return { problem: `it has neither version.py nor build-version, so its version cannot be told (${folder})` }
  const cuda = existsSync(join(folder, 'lib', 'libtorch_cuda.so'))
  if (cuda && !hasNvidiaLibraries(folder)) {
    return { problem: `${folder} is a CUDA build without NVIDIA's libraries, another ${NVIDIA_SIZE} of packages: install them beside it, or set TORCHGRAFT_LIBTORCH=cpu for the CPU build` }
  }
  return { libtorch: { folder, library, version, cuda } }
}

/** Wheels tell in version.py, archives in build-version. @param {string} folder */
function readVersion(folder) {
  for (const [file, pattern] of /** @type {const} */ ([['version.py', /__version__\s*=\s*'([^']+)'/], ['build-version', /^([\w.+]+)/]])) {
    const path = join(folder, file)
    const found = existsSync(path) ? pattern.exec(readFileSync(path, 'utf8'))?.[1] : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** In a site-packages they lie in `nvidia/` beside torch; a CUDA toolkit's copies may lie in lib itself. @param {string} folder */
function hasNvidiaLibraries(folder) {
  const nvidia = join(dirname(folder), 'nvidia')
  if (existsSync(nvidia) && readdirSync(nvidia).some((name) => /cudnn|cublas|^cu\d+$/.test(name))) return true
  return readdirSync(join(folder, 'lib')).some((name) => name.startsWith('libcudnn') || name.startsWith('libcublas'))
}
