import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { locateLibtorch } from '../libtorch/locate.mjs'
import { addonFiles, addonHash, buildFolder, stateFolder } from '../places.mjs'
import { SetupError } from './fail.mjs'
import { runCommand } from './run-command.mjs'
import { isUpToDate, removeStamp, writeStamp } from './stamp.mjs'

/** @typedef {import('./step.mjs').Step} Step */

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
  const hash = addonHash(root, found)
  const build = buildFolder(root, env, found)
  const { loader, pictures, main, built: stamp } = addonFiles(build)
  if (isUpToDate(stamp, hash) && existsSync(loader) && existsSync(pictures) && existsSync(main)) return
  checkTools(env)
  await progress(`Building the addon for libtorch ${found.version}`, async (tell) => {
    removeStamp(stamp) // what is there will not be whole for a while
    dropForeignBuild(root, build)
    const parallel = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_COMPILER)))
    const args = [cmakeJs(root), 'compile', '--out', build, '--parallel', String(parallel), `--CDLIBTORCH=${found.folder}`, `--CDWERROR=${env['TORCHGRAFT_WERROR'] === '1' ? 'ON' : 'OFF'}`]
    const onOutput = (/** @type {string} */ text) => {
      const step = /\[\s*(\d+\/\d+|\d+%)\]/.exec(text)?.[1]
      if (step) tell(step)
    }
    await runCommand(process.execPath, args, { cwd: root, env, log: join(stateFolder(root, env), 'addon.log'), failed: 'The addon could not be built', advice: 'It takes a compiler of C++20: g++ 12 or clang 15, or newer.', onOutput })
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

/** As an installed package's neighbours may be anywhere above it. @param {string} root */
function cmakeJs(root) {
  return join(dirname(createRequire(join(root, 'package.json')).resolve('cmake-js/package.json')), 'bin', 'cmake-js')
}

/** CMake refuses a build folder that was made from or in another place. @param {string} root @param {string} build */
function dropForeignBuild(root, build) {
  const cache = join(build, 'CMakeCache.txt')
  if (!existsSync(cache)) return
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1]
  if (home !== root.replace(/\/$/, '')) rmSync(build, { recursive: true, force: true })
}
