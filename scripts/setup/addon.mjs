import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import { locateLibtorch } from '../libtorch/locate.mjs'
import { SetupError } from './fail.mjs'
import { runCommand } from './run-command.mjs'
import { hashInputs, isUpToDate, removeStamp, writeStamp } from './stamp.mjs'

/** @typedef {import('../setup.mjs').Step} Step */

/** A file that includes libtorch's headers takes this much memory to compile. */
const BYTES_PER_COMPILER = 2e9
const INSTALL = /** @type {Record<string, string>} */ ({
  darwin: 'xcode-select --install, and brew install cmake',
  linux: 'sudo apt-get install cmake g++ (Debian, Ubuntu) or sudo dnf install cmake gcc-c++ (Fedora)',
})

/** The addon, by cmake-js, for the libtorch that is found. @type {Step} */
export const addon = async ({ root, env, progress }) => {
  const { found } = locateLibtorch({ root, env })
  if (!found) throw new SetupError('There is no libtorch to build the addon for.')
  const words = [found.folder, found.version, process.platform, process.arch]
  const hash = hashInputs(root, { files: ['CMakeLists.txt', 'native', 'package-lock.json'], words })
  const stamp = join(root, 'build', 'Release', 'torchgraft.json')
  const outputs = ['torchgraft.node', 'torchgraft_loader.node'].map((name) => join(root, 'build', 'Release', name))
  if (isUpToDate(stamp, hash) && outputs.every((file) => existsSync(file))) return
  checkTools(env)
  await progress(`Building the addon for libtorch ${found.version}`, async (tell) => {
    removeStamp(stamp) // what is there will not be whole for a while
    dropForeignBuild(root)
    const parallel = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_COMPILER)))
    const args = [join(root, 'node_modules', 'cmake-js', 'bin', 'cmake-js'), 'compile', '--parallel', String(parallel), `--CDLIBTORCH=${found.folder}`]
    const onOutput = (/** @type {string} */ text) => {
      const step = /\[\s*(\d+\/\d+|\d+%)\]/.exec(text)?.[1]
      if (step) tell(step)
    }
    await runCommand(process.execPath, args, { cwd: root, env, log: join(root, '.torchgraft', 'addon.log'), onOutput })
  })
  writeStamp(stamp, `${JSON.stringify({ libtorch: found.version, inputs: hash })}\n`)
}

/** @param {NodeJS.ProcessEnv} env */
function checkTools(env) {
  const works = (/** @type {string} */ tool) => spawnSync(tool, ['--version'], { env }).status === 0
  const missing = [
    ...(works('cmake') ? [] : ['cmake']),
    ...([env['CXX'] ?? 'c++', 'g++', 'clang++'].some(works) ? [] : ['a C++ compiler']),
  ]
  if (missing.length === 0) return
  throw new SetupError(`To build the addon it takes ${missing.join(' and ')}, and there is none. Install: ${INSTALL[process.platform] ?? 'cmake and a C++20 compiler'}.`)
}

/** CMake refuses a build folder that was made in another place. @param {string} root */
function dropForeignBuild(root) {
  const cache = join(root, 'build', 'CMakeCache.txt')
  if (!existsSync(cache)) return
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1]
  if (home !== root.replace(/\/$/, '')) rmSync(join(root, 'build'), { recursive: true, force: true })
}
