import { spawnSync } from 'node:child_process'
import { availableParallelism, totalmem } from 'node:os'
import { locateLibtorch } from '../libtorch/locate.mjs'
import { SetupError } from '../setup/errors.mjs'

/**
 * libtorch and the environment that children find it by: what the variables name, then what set-up fetched, then python3's
 * torch. On a GPU it must be a CUDA build.
 *
 * @param {{ readonly root: string, readonly env: NodeJS.ProcessEnv, readonly device: string }} options
 */
export function findLibtorch({ root, env, device }) {
  /** @type {string[]} */
  const said = []
  for (const more of [{}, ...(env['LIBTORCH'] ? [] : [{ LIBTORCH_USE_PYTORCH: '1' }])]) {
    const { found, tried } = locateLibtorch({ root, env: { ...env, ...more } })
    said.push(...tried.filter(({ result }) => result !== 'not set').map(({ source, result }) => `${source}: ${result}`))
    if (!found) continue
    if (device === 'cpu' || found.cuda) return { found, env: { ...env, LIBTORCH: found.folder, LIBTORCH_USE_PYTORCH: '' } }
    said.push(`${found.folder} is a build for the CPU alone`)
  }
  const tried = said.join('; ') || 'nothing is set'
  throw new SetupError(`There is no libtorch for ${device}. Set LIBTORCH, or install torch into python3. Tried: ${tried}`)
}

/** The machine, a fact a line. @param {NodeJS.ProcessEnv} env @returns {readonly (readonly [string, string])[]} */
export function machineFacts(env) {
  const first = (/** @type {string} */ command, /** @type {readonly string[]} */ args) => {
    const { status, stdout, error } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 20_000 })
    return status === 0 ? (stdout.trim().split('\n')[0] ?? '') : `none (${error?.message ?? `code ${status}`})`
  }
  return [
    ['GPU', first('nvidia-smi', ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader'])],
    ['cores', `${availableParallelism()}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory; ${env['UV_THREADPOOL_SIZE'] ?? 4} threads decode`],
    ['node', process.version],
    ['compiler', first(env['CXX']?.split(' ')[0] || 'c++', ['--version'])],
    ['cmake', first('cmake', ['--version'])],
    ['nvcc', first('sh', ['-c', 'nvcc --version | grep release || ls -d /usr/local/cuda*/bin/nvcc'])],
  ]
}
