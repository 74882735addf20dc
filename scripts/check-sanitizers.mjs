// Compiles the addon with sanitizers, into a folder of its own, and works it. What they find ends the process that it is
// found in, and fails the check.
//
//   npm run check:asan     addresses and undefined behaviour, over the native tests and every end of a process. libtorch itself
//                          is not instrumented; what Node and libtorch keep to their end is no leak.
//   npm run check:tsan     data races, over Node's room with a session that computes nothing in libtorch's place
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { locateLibtorch } from './libtorch/locate.mjs'
import { addonFiles } from './common/paths.mjs'
import { buildByCMake } from './setup/cmake.mjs'
import { SetupError } from './setup/errors.mjs'
import { makeProgress } from './setup/progress.mjs'
import { writeStamp } from './setup/stamp.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NATIVE_TESTS = [
  'test/native/session.test.ts',
  'test/native/several-sessions.test.ts',
  'test/native/render.test.ts',
  'test/native/jpeg.test.ts',
  'test/native/scoring.test.ts',
  'test/native/mixed-precision.test.ts',
  'test/native/preview.test.ts',
  'test/native/statistics.test.ts',
  'test/native/summary.test.ts',
]
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js']

/**
 * @typedef {object} Check
 * @property {string} sanitize as `-fsanitize` has it
 * @property {string} target of CMake
 * @property {string} library the sanitizer's runtime
 * @property {NodeJS.ProcessEnv} options of the runtime
 * @property {readonly (readonly string[])[]} work commands of Node
 */

/** @type {Readonly<Record<string, Check>>} */
const CHECKS = {
  address: {
    sanitize: 'address,undefined',
    target: 'all',
    library: 'libasan.so',
    options: {
      ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:allocator_may_return_null=1',
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    },
    work: [
      [...JEST, '--runInBand', '--testTimeout=600000', ...NATIVE_TESTS],
      ['test/exits/check.mjs', '--times', '1'],
    ],
  },
  thread: {
    sanitize: 'thread',
    target: 'torchgraft_stand_in',
    library: 'libtsan.so',
    options: { TSAN_OPTIONS: 'halt_on_error=1:exitcode=66:report_signal_unsafe=0:ignore_noninstrumented_modules=1' },
    work: [['--expose-gc', 'test/exits/stand-in.mjs']],
  },
}

/** @param {string} name */
async function check(name) {
  const found = CHECKS[name]
  if (!found) throw new SetupError(`Expected one of ${Object.keys(CHECKS).join(', ')}.`)
  const { sanitize, target, library, options: ofRuntime, work } = found
  const { found: libtorch } = locateLibtorch({ root: ROOT })
  if (!libtorch) throw new SetupError('There is no libtorch to build the addon for.')
  const runtime = libraryOf(library)
  const build = join(ROOT, '.torchgraft', `sanitize-${name}`)
  const defines = { LIBTORCH: libtorch.folder, SANITIZE: sanitize, WERROR: 'ON' }
  const options = { root: ROOT, build, log: `${build}.log`, defines, targets: [target] }
  await makeProgress(process.stderr)(`Compiling with the sanitizers ${sanitize}`, () => buildByCMake(options))
  writeStamp(addonFiles(build).built, `${JSON.stringify({ libtorch: libtorch.version })}\n`)

  const env = {
    ...process.env,
    ...ofRuntime,
    TORCHGRAFT_BUILD: build,
    TORCHGRAFT_HOME: join(build, 'cache'),
    LD_PRELOAD: `${runtime} ${libraryOf('libstdc++.so')}`,
  }
  for (const command of work) {
    // Without address randomization, which some kernels do more widely than the sanitizers' memory layout allows.
    const { status, signal } = spawnSync('setarch', ['-R', process.execPath, ...command], { cwd: ROOT, env, stdio: 'inherit' })
    if (status !== 0) throw new SetupError(`${command.filter((word) => !word.startsWith('--')).slice(0, 2).join(' ')} failed (${signal ?? `code ${status}`}).`)
  }
  console.log(`Clean under the sanitizers ${sanitize}.`)
}

/** @param {string} name */
function libraryOf(name) {
  const { stdout } = spawnSync(process.env['CXX'] ?? 'g++', [`-print-file-name=${name}`], { encoding: 'utf8' })
  const file = stdout?.trim() ?? ''
  if (!existsSync(file)) throw new SetupError(`This check takes g++ with ${name}.`)
  return file
}

try {
  await check(process.argv[2] ?? '')
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
