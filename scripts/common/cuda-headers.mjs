import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

/** Of older ones, libtorch's classes would have another layout than in its own build. As `CUDA_VERSION` has it. */
const OLDEST = 12_040
const RUNTIME = 'cuda_runtime_api.h'
/** NVIDIA's package of the runtime lacks what its headers include: that is in nvidia-cuda-crt, or for CUDA 12 in nvidia-cuda-nvcc-cu12. */
const INCLUDED = join('crt', 'host_config.h')

/**
 * @typedef {object} CudaHeaders
 * @property {readonly string[]} folders to include from
 * @property {number} version as `CUDA_VERSION` has it: 13000 is 13.0
 */

/**
 * CUDA's headers, which the addon is compiled with to record CUDA graphs: from NVIDIA's packages beside a CUDA build of libtorch, or
 * from a toolkit. A CPU build takes none.
 *
 * @param {{ readonly folder: string, readonly cuda: boolean }} libtorch
 * @param {NodeJS.ProcessEnv} [env]
 * @param {readonly string[]} [system] where toolkits are installed
 * @returns {CudaHeaders | undefined}
 */
export function findCudaHeaders({ folder, cuda }, env = process.env, system = ['/usr/local/cuda', '/usr']) {
  if (!cuda) return undefined
  for (const place of [...packages(join(dirname(folder), 'nvidia')), ...toolkits(system, env)]) {
    const runtime = place.find((include) => existsSync(join(include, RUNTIME)))
    const included = place.find((include) => existsSync(join(include, INCLUDED)))
    if (runtime === undefined || included === undefined) continue
    const version = versionOf(runtime)
    if (version >= OLDEST) return { folders: [...new Set([runtime, included])], version }
  }
  return undefined
}

/**
 * `cu13` holds the headers of all packages of CUDA 13; before, each had a folder of its own.
 *
 * @param {string} nvidia
 */
function packages(nvidia) {
  const shared = entries(nvidia).filter((name) => /^cu\d+$/.test(name)).reverse()
  return [...shared.map((name) => [name]), ['cuda_runtime', 'cuda_nvcc']].map((names) => names.map((name) => join(nvidia, name, 'include')))
}

/**
 * First where they are found whatever the environment: another shell must not ask for another addon.
 *
 * @param {readonly string[]} system @param {NodeJS.ProcessEnv} env
 */
function toolkits(system, env) {
  const named = [env['CUDA_HOME'] ?? '', env['CUDA_PATH'] ?? ''].filter((folder) => folder !== '')
  return [...system, ...compilerFolders(env), ...named].flatMap((folder) => {
    const targets = join(folder, 'targets')
    return [join(folder, 'include'), ...entries(targets).map((name) => join(targets, name, 'include'))].map((include) => [include])
  })
}

/** Of the toolkit whose compiler is on the path. @param {NodeJS.ProcessEnv} env */
function compilerFolders(env) {
  const compiler = (env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nvcc')).find((file) => existsSync(file))
  return compiler === undefined ? [] : [dirname(dirname(realpathSync(compiler)))]
}

/** @param {string} include */
function versionOf(include) {
  return Number(/^#define CUDART_VERSION\s+(\d+)/m.exec(readFileSync(join(include, RUNTIME), 'utf8'))?.[1] ?? 0)
}

/** @param {string} folder @returns {string[]} */
function entries(folder) {
  return existsSync(folder) ? readdirSync(folder).sort() : []
}
