import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SetupError } from './errors.mjs'

const OLDEST_CMAKE = [3, 18]
const INSTALL = /** @type {Record<string, string>} */ ({
  darwin: 'xcode-select --install, and brew install cmake',
  linux: 'sudo apt-get install cmake make g++ (Debian, Ubuntu) or sudo dnf install cmake make gcc-c++ (Fedora)',
})
export const COMPILERS = 'It takes a compiler of C++20: g++ 12 or clang 15, or newer. CXX names another than the system\'s own.'

/** Of the standard library and the system, what the addon's sources include; and what they ask of the compiler. */
const PROBE = `
#include <algorithm>
#include <condition_variable>
#include <memory>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
__attribute__((target("avx512bf16,amx-tile,amx-bf16"))) void Tiles() {}
#endif
#if __cplusplus < 202002L
#error "This is no C++20"
#endif
struct Options { int threads = 1; bool relu = false; };
template <typename T> concept Small = sizeof(T) <= 8;
template <Small T> T Twice(T value) { return value + value; }
int Use() { const Options options{.threads = 2}; return Twice(options.threads); }
`

/**
 * Looks at what the addon is built with, before anything is compiled.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function checkTools(env) {
  const cmake = run(env, 'cmake', ['--version'])
  const compiler = findCompiler(env)
  const missing = [
    ...(cmake.status === 0 ? [] : ['cmake']),
    ...(['ninja', 'make'].some((tool) => run(env, tool, ['--version']).status === 0) ? [] : ['make or ninja']),
    ...(compiler ? [] : [env['CXX'] ? `the C++ compiler that CXX names (${env['CXX']})` : 'a C++ compiler']),
  ]
  if (missing.length > 0) throw new SetupError(`To build the addon it takes ${list(missing)}, and there is none. Install: ${INSTALL[process.platform] ?? 'cmake, make and a C++20 compiler'}.`)
  checkCMake(cmake.stdout)
  if (compiler) checkCompiler(env, compiler)
}

/** As CMake chooses. @param {NodeJS.ProcessEnv} env @returns {readonly string[] | undefined} its words */
function findCompiler(env) {
  const asked = env['CXX']?.trim().split(/\s+/) ?? []
  const candidates = asked[0] ? [asked] : [['c++'], ['g++'], ['clang++']]
  return candidates.find(([command = '', ...words]) => run(env, command, [...words, '--version']).status === 0)
}

/** @param {string} said */
function checkCMake(said) {
  const [, version = '', major, minor] = /version ((\d+)\.(\d+)[.\d]*)/.exec(said) ?? []
  if (version === '') return
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_CMAKE
  if (Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor)) return
  throw new SetupError(`To build the addon it takes CMake ${OLDEST_CMAKE.join('.')} or newer, and this is ${version}. Install a newer one: from your system's packages, by "pip install cmake", or from cmake.org.`)
}

/**
 * Compiles a few lines, as what is missing would else be told after minutes, or in hundreds of lines.
 *
 * @param {NodeJS.ProcessEnv} env @param {readonly string[]} compiler
 */
function checkCompiler(env, [command = '', ...words]) {
  const folder = mkdtempSync(join(tmpdir(), 'torchgraft-probe-'))
  try {
    const args = [...words, '-std=c++20', '-fPIC', '-shared', '-x', 'c++', '-', '-o', join(folder, 'probe')]
    const { status, stderr } = run(env, command, args, PROBE)
    if (status === 0) return
    const name = [command, ...words].join(' ')
    const header = /fatal error: '?([\w+./-]+)'?(?: file not found|: No such file)/.exec(stderr)?.[1]
    if (header) throw new SetupError(`The compiler (${name}) does not find the header <${header}>. Install: ${headersOf(env, command)}.`)
    const reason = stderr.split('\n').find((line) => /error\b/i.test(line))?.trim() ?? stderr.trim().split('\n')[0] ?? ''
    throw new SetupError(`The compiler (${name}) cannot compile what the addon is written in. ${COMPILERS}\n${reason}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * clang takes the C++ library of the newest g++ that there is a folder of, and that may hold no headers.
 *
 * @param {NodeJS.ProcessEnv} env @param {string} compiler
 */
function headersOf(env, compiler) {
  if (process.platform !== 'linux') return INSTALL[process.platform] ?? 'the headers of the C++ library'
  const version = /Selected GCC installation: .*\/(\d+)/.exec(run(env, compiler, ['-v']).stderr)?.[1]
  return version ? `sudo apt-get install libstdc++-${version}-dev (Debian, Ubuntu) or sudo dnf install libstdc++-devel (Fedora)` : 'sudo apt-get install g++ libc6-dev (Debian, Ubuntu) or sudo dnf install gcc-c++ glibc-devel (Fedora)'
}

/** @param {NodeJS.ProcessEnv} env @param {string} command @param {readonly string[]} args @param {string} [input] */
function run(env, command, args, input) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    env: { ...env, LC_ALL: 'C' },
    encoding: 'utf8',
    timeout: 60_000,
    ...(input !== undefined && { input }),
  })
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' }
}

/** @param {readonly string[]} words */
function list(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
