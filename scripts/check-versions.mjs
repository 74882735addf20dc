// Compiles every native source against the headers of several libtorch versions: the oldest that is thought of, the one that
// is fetched, and the newest that there is; by CXX, or by each compiler that is installed; headers of a CUDA build with CUDA's,
// as for a GPU. Nothing is linked or run.
//
//   npm run check:versions [-- VERSION...]
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findCudaHeaders } from './common/cuda-headers.mjs'
import { fetchHeaders } from './libtorch/headers.mjs'
import { locateLibtorch } from './libtorch/locate.mjs'
import { LIBTORCH_VERSION } from './libtorch/archives.mjs'
import { buildByCMake } from './setup/cmake.mjs'
import { SetupError } from './setup/errors.mjs'
import { makeProgress } from './setup/progress.mjs'

const OLDEST = '2.11.0'
const TARGETS = ['torchgraft_torch', 'compiled_only']
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = join(ROOT, '.torchgraft', 'versions')

/**
 * What pip would install, without installing it.
 *
 * @param {string} requirement
 * @returns {{ readonly version: string, readonly url: string }}
 */
function resolveWheel(requirement) {
  const how = ['--dry-run', '--ignore-installed', '--no-deps', '--only-binary=:all:']
  const args = ['-m', 'pip', 'install', ...how, '--quiet', '--report', '-', requirement]
  const { status, stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new SetupError(`pip does not find ${requirement}: ${stderr.trim()}`)
  const { install } = /** @type {{ install: { metadata: { version: string }, download_info: { url: string } }[] }} */ (JSON.parse(stdout))
  const [found] = install
  if (!found) throw new SetupError(`pip does not find ${requirement}.`)
  return { version: found.metadata.version, url: found.download_info.url }
}

/** g++ and clang++ of all versions, each once. @returns {string[]} */
function compilers() {
  if (process.env['CXX']) return [process.env['CXX']]
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => existsSync(folder))
  const names = folders.flatMap((folder) => readdirSync(folder).filter((name) => /^(?:g|clang)\+\+(?:-\d+)?$/.test(name)).map((name) => join(folder, name)))
  return [...new Map(names.map((name) => [realpathSync(name), name])).values()]
}

/** The version without a suffix: on Linux the CUDA build, whose headers are more than a CPU build's. @param {string} version */
const plain = (version) => `torch===${version}`

/**
 * The headers of the libtorch that set-up took, where it is a CUDA build, or those in a wheel.
 *
 * @param {ReturnType<typeof makeProgress>} progress @param {string} requirement
 */
async function headersOf(progress, requirement) {
  const { found } = locateLibtorch({ root: ROOT })
  if (found?.cuda && requirement === plain(found.version.split('+')[0] ?? '')) return { version: found.version, libtorch: found.folder }
  const { version, url } = resolveWheel(requirement)
  const folder = join(FOLDER, version, 'headers')
  const libtorch = join(folder, 'torch')
  if (!existsSync(join(libtorch, 'include'))) await progress(`Fetching the headers of libtorch ${version}`, () => fetchHeaders(url, folder))
  return { version, libtorch }
}

/**
 * CUDA's, out of NVIDIA's packages, of some megabytes, or of a toolkit. A CPU build lacks the file that its own headers for CUDA need.
 *
 * @param {string} libtorch
 * @returns {readonly string[]}
 */
function cudaHeaders(libtorch) {
  if (!existsSync(join(libtorch, 'include', 'c10', 'cuda', 'impl', 'cuda_cmake_macros.h'))) return []
  const folder = join(FOLDER, 'cuda')
  const beside = { folder: join(folder, 'torch'), cuda: true }
  const there = findCudaHeaders(beside)
  if (there) return there.folders
  const how = ['--quiet', '--no-deps', '--only-binary=:all:', '--target', folder]
  const args = ['-m', 'pip', 'install', ...how, 'nvidia-cuda-runtime', 'nvidia-cuda-crt']
  const { status, stderr } = spawnSync('python3', args, { encoding: 'utf8' })
  const found = findCudaHeaders(beside)
  if (!found) throw new SetupError(`CUDA's headers cannot be had${status === 0 ? '' : `: ${stderr.trim()}`}. Install a CUDA toolkit.`)
  return found.folders
}

/** @param {ReturnType<typeof makeProgress>} progress @param {string} requirement */
async function check(progress, requirement) {
  const { version, libtorch } = await headersOf(progress, requirement)
  const folder = join(FOLDER, version)
  const cuda = cudaHeaders(libtorch)
  for (const compiler of compilers()) {
    const name = basename(compiler)
    // Machine code is nobody's here: as little as possible is done for it.
    const defines = { LIBTORCH: libtorch, CUDA_HEADERS: cuda.join(';'), WERROR: 'ON', CMAKE_CXX_FLAGS_RELEASE: '-O0' }
    const options = {
      root: ROOT,
      env: { ...process.env, CXX: compiler },
      build: join(folder, name),
      log: join(folder, `${name}.log`),
      defines,
      targets: TARGETS,
    }
    await progress(`Compiling against libtorch ${version} by ${name}`, () => buildByCMake(options))
    console.log(`libtorch ${version}, ${name}: every native source compiles, ${cuda.length > 0 ? 'with' : 'without'} CUDA's headers.`)
  }
}

try {
  const asked = process.argv.slice(2).map(plain)
  const usual = [plain(OLDEST), plain(LIBTORCH_VERSION), 'torch']
  for (const requirement of asked.length > 0 ? asked : usual) await check(makeProgress(process.stderr), requirement)
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
