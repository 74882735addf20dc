import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { stateFolder } from '../common/paths.mjs'
import { inspectLibtorch } from './inspect.mjs'
import { LIBTORCH_VERSION } from './archives.mjs'

/** @typedef {import('./inspect.mjs').Libtorch} Libtorch */
/** @typedef {'LIBTORCH' | 'LIBTORCH_USE_PYTORCH' | 'set-up'} Source */
/** @typedef {{ readonly source: Source, readonly result: string }} Attempt */

/** Where set-up puts what it fetches. @param {string} root of torchgraft @param {NodeJS.ProcessEnv} env @param {'cpu' | 'cuda'} build */
export function fetchedFolder(root, env, build) {
  return join(stateFolder(root, env), `libtorch-${LIBTORCH_VERSION}-${build}`, 'torch')
}

/**
 * Finds libtorch: `LIBTORCH`, then the active Python's torch if `LIBTORCH_USE_PYTORCH=1`, then the copy that set-up
 * fetched. What is named by a variable is taken or refused, never passed over.
 *
 * @param {{ readonly root: string, readonly env?: NodeJS.ProcessEnv }} options root: torchgraft's own folder
 * @returns {{ readonly found?: Libtorch & { readonly source: Source }, readonly tried: readonly Attempt[] }}
 */
export function locateLibtorch({ root, env = process.env }) {
  /** @type {Attempt[]} */
  const tried = []
  /** @param {Source} source @param {string} folder */
  const look = (source, folder) => {
    const result = inspectLibtorch(folder)
    tried.push({ source, result: 'problem' in result ? result.problem : `${result.libtorch.version} in ${folder}` })
    return 'libtorch' in result ? { ...result.libtorch, source } : undefined
  }
  if (env['LIBTORCH']) {
    const found = look('LIBTORCH', env['LIBTORCH'])
    return { ...(found && { found }), tried }
  }
  tried.push({ source: 'LIBTORCH', result: 'not set' })
  if (env['LIBTORCH_USE_PYTORCH'] === '1') {
    const python = pythonTorch(env)
    if ('problem' in python) tried.push({ source: 'LIBTORCH_USE_PYTORCH', result: python.problem })
    const found = 'folder' in python ? look('LIBTORCH_USE_PYTORCH', python.folder) : undefined
    return { ...(found && { found }), tried }
  }
  tried.push({ source: 'LIBTORCH_USE_PYTORCH', result: 'not set' })
  const builds = /** @type {const} */ (env['TORCHGRAFT_LIBTORCH'] === 'cpu' ? ['cpu'] : ['cuda', 'cpu'])
  for (const build of builds) {
    const found = look('set-up', fetchedFolder(root, env, build))
    if (found) return { found, tried }
  }
  return { tried }
}

/** Whether NVIDIA's driver is running. */
export function hasNvidiaDriver() {
  return existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidiactl')
}

/**
 * Finds torch as a program of that Python would, but never in the folder of work, which may bring code of its own: `-I`
 * leaves that out, and what the user has set or installed for themselves as well, which is added again.
 */
const FIND_TORCH = `
import importlib.util, os, site, sys
sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(path)]
if sys.prefix == sys.base_prefix: sys.path.append(site.getusersitepackages())
spec = importlib.util.find_spec("torch")
print(spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else "")
`

/**
 * The folder of torch in the Python that a shell would start, without importing it.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ readonly folder: string } | { readonly problem: string }}
 */
function pythonTorch(env) {
  for (const python of ['python3', 'python']) {
    const { status, stdout } = spawnSync(python, ['-I', '-c', FIND_TORCH], { env, encoding: 'utf8', timeout: 20_000 })
    if (status !== 0) continue
    const folder = stdout.trim()
    return folder === '' ? { problem: `${python} has no torch: pip install torch==${LIBTORCH_VERSION}` } : { folder }
  }
  return { problem: 'neither python3 nor python could be started' }
}
