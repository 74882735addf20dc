import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, totalmem } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { firstError } from './build-errors.mjs'
import { COMPILERS } from './tools.mjs'
import { runCommand } from './run-command.mjs'

/** A file that includes libtorch's headers takes this much memory to compile. */
const BYTES_PER_COMPILER = 2e9

/**
 * @typedef {object} BuildOptions
 * @property {string} root of torchgraft
 * @property {string} build the build folder
 * @property {string} log the file that takes what is said
 * @property {NodeJS.ProcessEnv} [env]
 * @property {Readonly<Record<string, string>>} defines CMake's variables
 * @property {readonly string[]} [targets] all, if none are named
 * @property {string} [failed] what to say where it fails
 * @property {(text: string) => void} [onOutput]
 */

/**
 * Builds by CMake, once. cmake-js makes the build folder, as it knows where Node's headers are; to compile is CMake's own
 * work, since cmake-js would build all of it a second time whatever failed.
 *
 * @param {BuildOptions} options
 */
export async function buildByCMake({ root, build, log, env = process.env, defines, targets = [], failed, onOutput = () => {} }) {
  dropForeignBuild(root, build, env)
  await configure({ root, build, log, env, defines, failed })
  const args = ['--build', build, '--config', 'Release', '--parallel', String(compilersAtOnce()), ...targets.flatMap((target) => ['--target', target])]
  await runCommand('cmake', args, { cwd: root, env, log, ...(failed && { failed }), advice: COMPILERS, excerpt: firstError, onOutput })
}

/** @param {Required<Pick<BuildOptions, 'root' | 'build' | 'log' | 'env' | 'defines'>> & { readonly failed: string | undefined }} options */
async function configure({ root, build, log, env, defines, failed }) {
  const cxx = env['CXX']?.trim() ?? ''
  const args = [
    cmakeJs(root), 'configure', '--out', build,
    // It looks for compilers by the names g++ and clang++ alone, unless both of these are given.
    ...(cxx === '' || cxx.includes(' ') ? [] : ['--cxx', cxx, '--cc', env['CC'] || 'cc']),
    ...Object.entries(defines).map(([name, value]) => `--CD${name}=${value}`),
  ]
  const options = { cwd: root, env, log, ...(failed && { failed }), advice: COMPILERS, excerpt: firstError }
  const madeBefore = existsSync(join(build, 'CMakeCache.txt'))
  try {
    await runCommand(process.execPath, args, options)
  } catch (error) {
    // What it remembers may be of another CMake, of a generator or a place that has gone: that takes seconds to make anew.
    if (!madeBefore) throw error
    rmSync(build, { recursive: true, force: true })
    await runCommand(process.execPath, args, options)
  }
}

/** Within what a container may use, too. */
function compilersAtOnce() {
  const memory = Math.min(totalmem(), process.constrainedMemory() || Infinity)
  return Math.max(1, Math.min(availableParallelism(), Math.floor(memory / BYTES_PER_COMPILER)))
}

/** As an installed package's neighbours may be anywhere above it. @param {string} root */
function cmakeJs(root) {
  return join(dirname(createRequire(join(root, 'package.json')).resolve('cmake-js/package.json')), 'bin', 'cmake-js')
}

/**
 * CMake refuses a build folder that was made from or in another place, and keeps the compiler that it was made with.
 *
 * @param {string} root @param {string} build @param {NodeJS.ProcessEnv} env
 */
function dropForeignBuild(root, build, env) {
  const cache = join(build, 'CMakeCache.txt')
  if (!existsSync(cache)) return
  const text = readFileSync(cache, 'utf8')
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(text)?.[1]
  const compiler = /^CMAKE_CXX_COMPILER:\w+=(.*)$/m.exec(text)?.[1]
  const asked = env['CXX']?.trim().split(/\s+/)[0] ?? ''
  const another = compiler !== undefined && asked !== '' && basename(compiler) !== basename(asked)
  if (home !== root.replace(/\/$/, '') || another || (compiler?.startsWith('/') && !existsSync(compiler))) rmSync(build, { recursive: true, force: true })
}
