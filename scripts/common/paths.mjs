import { readFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { findCudaHeaders } from './cuda-headers.mjs'
import { hashInputs } from './hashes.mjs'

/** Whether torchgraft was installed as a package; else it is a clone of its repository. @param {string} root of torchgraft */
export function isInstalled(root) {
  return basename(dirname(join(root, '.'))) === 'node_modules'
}

/** `TORCHGRAFT_HOME`, else `XDG_CACHE_HOME/torchgraft`, else `~/.cache/torchgraft`. @param {NodeJS.ProcessEnv} [env] */
export function cacheFolder(env = process.env) {
  const named = env['TORCHGRAFT_HOME']
  return named ? resolve(named) : join(userCache(env), 'torchgraft')
}

/**
 * `XDG_CACHE_HOME`, else `~/.cache`. Never within the folder of work, which may bring code of its own: a relative
 * `XDG_CACHE_HOME` is none, as its standard says, and neither is an empty or relative `HOME`.
 *
 * @param {NodeJS.ProcessEnv} [env]
 */
export function userCache(env = process.env) {
  const named = env['XDG_CACHE_HOME']
  if (named && isAbsolute(named)) return named
  const home = homedir()
  return join(isAbsolute(home) ? home : userInfo().homedir, '.cache')
}

/**
 * Where set-up keeps libtorch, its logs and its lock: in a clone inside it; for a package in the user's cache, since the
 * next install may replace its folder, and it may not be ours to write to.
 *
 * @param {string} root of torchgraft
 * @param {NodeJS.ProcessEnv} env
 */
export function stateFolder(root, env) {
  return isInstalled(root) ? cacheFolder(env) : join(root, '.torchgraft')
}

/**
 * Where the addon is built. In the cache each version of it and of libtorch has a folder of its own; a clone may have
 * another build beside its own, which `TORCHGRAFT_BUILD` names.
 *
 * @param {string} root of torchgraft
 * @param {NodeJS.ProcessEnv} env
 * @param {Libtorch} libtorch
 */
export function buildFolder(root, env, libtorch) {
  return isInstalled(root) ? join(cacheFolder(env), `addon-${readVersion(root)}-${addonHash(root, libtorch, env).slice(0, 16)}`) : env['TORCHGRAFT_BUILD'] || join(root, 'build')
}

/** @typedef {{ readonly folder: string, readonly version: string, readonly cuda: boolean }} Libtorch */

/** The addon's files in its build folder. `built` is written last, and tells for which libtorch. @param {string} build */
export function addonFiles(build) {
  const release = join(build, 'Release')
  return {
    loader: join(release, 'torchgraft_loader.node'),
    images: join(release, 'torchgraft_images.node'),
    main: join(release, 'torchgraft.node'),
    built: join(release, 'torchgraft.json'),
  }
}

/**
 * Of all that an addon is made from. CUDA's headers count: where they come later, the addon is built anew with them.
 *
 * @param {string} root @param {Libtorch} libtorch @param {NodeJS.ProcessEnv} [env]
 */
export function addonHash(root, libtorch, env = process.env) {
  const { folders = [], version } = findCudaHeaders(libtorch, env) ?? {}
  return hashInputs(root, {
    files: ['CMakeLists.txt', 'native', 'package-lock.json'],
    words: [libtorch.folder, libtorch.version, process.platform, process.arch, ...folders, ...(version ? [String(version)] : [])],
  })
}

/** What to type to set up. @param {string} root of torchgraft */
export function setUpCommand(root) {
  return isInstalled(root) ? 'npx torchgraft setup' : 'npm run setup'
}

/** @param {string} root */
function readVersion(root) {
  const { version } = /** @type {{ version: string }} */ (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
  return version
}
