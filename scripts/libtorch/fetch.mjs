import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stateFolder } from '../common/paths.mjs'
import { SetupError } from '../setup/errors.mjs'
import { runCommand } from '../setup/run-command.mjs'
import { cpuArchive, LIBTORCH_VERSION } from './archives.mjs'
import { download, UnreachableError } from './download.mjs'
import { inspectLibtorch } from './inspect.mjs'
import { fetchedFolder, hasNvidiaDriver } from './locate.mjs'
import { unzip } from './unzip.mjs'
import { requirements, wheelsOf, wheelTags } from './wheels.mjs'

/** @typedef {import('../setup/step.mjs').Context} Context */

/** What the CUDA build takes, NVIDIA's libraries included. */
const CUDA_SIZE = 'about 2.5 GB to download and 4 GB on disk'
const OTHER_WAYS = 'Or get libtorch by other means and set LIBTORCH to its folder.'

/**
 * Fetches libtorch for this machine: the official archive or, where that cannot be reached, the wheel that pip has of
 * it. Nothing lies under the final name before all of it does, and has been looked at.
 *
 * @param {Context} context
 * @param {import('./download.mjs').Remote | undefined} [archive]
 */
export async function fetchLibtorch(context, archive = cpuArchive(context.env)) {
  const { root, env } = context
  if (process.platform === 'win32') throw new SetupError('Windows is not supported yet: use WSL.')
  const build = chooseBuild(env)
  const final = dirname(fetchedFolder(root, env, build))
  const working = join(stateFolder(root, env), 'fetching')
  rmSync(join(working, 'unpacked'), { recursive: true, force: true })
  mkdirSync(join(working, 'unpacked'), { recursive: true })

  if (!(build === 'cpu' && archive && (await byArchive(context, working, archive)))) await byPip(context, working, build)

  const result = inspectLibtorch(join(working, 'unpacked', 'torch'))
  if ('problem' in result) throw new SetupError(`What was fetched as libtorch cannot be used: ${result.problem}. ${OTHER_WAYS}`)
  if (build === 'cuda' && !result.libtorch.cuda) throw new SetupError('The CUDA build was asked for, and pip has the CPU build only: set TORCHGRAFT_LIBTORCH=cpu to take it.')
  rmSync(final, { recursive: true, force: true })
  renameSync(join(working, 'unpacked'), final)
  rmSync(working, { recursive: true, force: true })
}

/** @param {NodeJS.ProcessEnv} env @returns {'cpu' | 'cuda'} */
export function chooseBuild(env, driver = hasNvidiaDriver()) {
  const asked = env['TORCHGRAFT_LIBTORCH']
  if (asked === 'cpu' || asked === 'cuda') return asked
  if (asked) throw new SetupError(`TORCHGRAFT_LIBTORCH is ${JSON.stringify(asked)}: it may be cpu or cuda.`)
  return driver ? 'cuda' : 'cpu'
}

/** False where there is no way to it. @param {Context} context @param {string} working @param {import('./download.mjs').Remote} archive */
async function byArchive({ progress }, working, archive) {
  const file = join(working, 'libtorch.zip')
  const size = `${Math.round(archive.bytes / 1e6)} MB`
  const share = (/** @type {number} */ part) => `${Math.round(part * 100)} % of ${size}`
  try {
    const title = `Fetching libtorch ${LIBTORCH_VERSION}, CPU build, ${size}`
    await progress(title, (report) => download(archive, file, (part) => report(share(part))))
  } catch (error) {
    if (error instanceof UnreachableError) return false
    throw error
  }
  await progress('Unpacking libtorch', (report) => unzip(file, join(working, 'unpacked'), { onShare: (part) => report(share(part)) }))
  renameSync(join(working, 'unpacked', 'libtorch'), join(working, 'unpacked', 'torch'))
  return true
}

/** @param {Context} context @param {string} working @param {'cpu' | 'cuda'} build */
async function byPip({ root, env, progress }, working, build) {
  const wanted = wheelsOf(build)
  const [torch] = wanted
  if (!torch) throw new SetupError(`libtorch ${LIBTORCH_VERSION} comes in no ${build === 'cuda' ? 'CUDA' : 'CPU'} build for ${process.platform} on ${process.arch}. ${build === 'cuda' ? 'Set TORCHGRAFT_LIBTORCH=cpu for the CPU build. ' : ''}${OTHER_WAYS}`)
  // In a folder of ours: `-m` looks for pip in the folder of work first.
  const python = ['python3', 'python'].find((name) => spawnSync(name, ['-m', 'pip', '--version'], { cwd: working, env }).status === 0)
  if (!python) throw new SetupError(`The official archive of libtorch cannot be reached, and there is no Python with pip to ask instead. ${OTHER_WAYS}`)
  const wheels = join(working, 'wheels')
  rmSync(wheels, { recursive: true, force: true })
  const file = join(working, 'requirements.txt')
  writeFileSync(file, requirements(wanted))
  const how = ['--no-deps', '--only-binary=:all:', '--require-hashes', ...wheelTags()]
  const args = ['-m', 'pip', 'download', ...how, '--dest', wheels, '--requirement', file]
  const title = build === 'cuda' ? `Asking pip for libtorch ${LIBTORCH_VERSION}, CUDA build with NVIDIA's libraries, ${CUDA_SIZE}` : `Asking pip for libtorch ${LIBTORCH_VERSION}, CPU build, about 190 MB`
  const failed = build === 'cpu' ? 'The official archive of libtorch cannot be reached, and pip could not fetch it either' : 'pip could not fetch libtorch'
  const log = join(stateFolder(root, env), 'pip.log')
  try {
    await progress(title, () => runCommand(python, args, { cwd: working, env, log, failed }))
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    const advice = pipAdvice(readFileSync(log, 'utf8'), torch)
    throw new SetupError(error.message.replace('\n', () => ` ${advice} ${OTHER_WAYS}\n`), { cause: error })
  }
  await progress('Unpacking libtorch', async (report) => {
    const options = { filter: isNeeded, onShare: (/** @type {number} */ part) => report(`${Math.round(part * 100)} %`) }
    for (const wheel of readdirSync(wheels)) await unzip(join(wheels, wheel), join(working, 'unpacked'), options)
  })
}

/** What to do about what pip says. @param {string} log @param {import('./wheels.mjs').Wheel} torch */
function pipAdvice(log, { name, version }) {
  const index = version.endsWith('+cpu') ? "PyTorch's own for CPUs, which PIP_EXTRA_INDEX_URL may name (pytorch.org, Get Started, has its address)" : 'PyPI'
  if (/DO NOT MATCH THE HASHES/i.test(log)) return `The package index that pip asks has another file than PyTorch's ${name} ${version}, or one of its libraries: it was not opened. Let pip ask ${index}, or install the torch that you trust and set LIBTORCH_USE_PYTORCH=1.`
  if (/No matching distribution|Could not find a version/i.test(log)) return `The package index that pip asks has no ${name} ${version}. Let pip ask ${index}.`
  return 'Check the network, and run it again.'
}

/**
 * Of a wheel: the libraries and headers, without what is Python's. Of NVIDIA's headers those that libtorch's include.
 *
 * @param {string} name
 */
function isNeeded(name) {
  if (/^torch\/lib\/libtorch_python|_test\.so$|^torch\/include\/pybind11\//.test(name)) return false
  return /^torch\/(?:lib|include)\/|^torch\/version\.py$|^nvidia\/.*\.so|^nvidia\/cu\d+\/include\/(?:crt\/)?[^/]+\.hp{0,2}$|^torch-[^/]*\.dist-info\/(?:licenses\/)?(?:LICENSE|NOTICE)/.test(name)
}
