import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Attempt, type Libtorch, locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { TorchgraftError } from '../errors.js'
import type { Binding, LoaderBinding } from './binding.js'
import { probeOnce } from './probe.js'

/** torchgraft's own folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RELEASE = join(ROOT, 'build', 'Release')

/** The files that make up the built addon. */
export const ADDON = {
  loader: join(RELEASE, 'torchgraft_loader.node'),
  main: join(RELEASE, 'torchgraft.node'),
  /** Written by set-up: which libtorch the addon was built for. */
  built: join(RELEASE, 'torchgraft.json'),
} as const

let loaded: Binding | undefined

/**
 * The addon, loaded at its first use, with libtorch before it.
 *
 * @throws ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION, ERR_ADDON
 */
export function loadAddon(): Binding {
  return (loaded ??= load())
}

function load(): Binding {
  const { found, tried } = locateLibtorch({ root: ROOT })
  if (!found) throw missing(tried)
  const built = builtFor()
  checkVersion(found.version, built, found.folder)
  probeOnce(found.library, ADDON)
  limitSpinning(process.env)
  const require = createRequire(import.meta.url)
  const opened = openLibtorch(require(ADDON.loader) as LoaderBinding, found)
  checkVersion(opened, built, found.folder)
  try {
    const binding = require(ADDON.main) as Binding
    checkOnlyOne(found)
    // process.exit() goes straight to the C library's exit, which takes libtorch apart under a step that is running.
    process.once('exit', () => binding.stop())
    return binding
  } catch (cause) {
    if (cause instanceof TorchgraftError) throw cause
    throw new TorchgraftError('ERR_ADDON', `The addon could not be loaded: ${(cause as Error).message}. Run "npm run setup" to build it anew`, { path: ADDON.main, cause })
  }
}

/**
 * libtorch's OpenMP threads spin while they wait for each other, by default so long that one busy program beside them
 * makes a training step many times slower. A shorter spin costs nothing on an idle machine. The environment is read
 * when libtorch is opened; what the user has set stays.
 */
export function limitSpinning(env: NodeJS.ProcessEnv): void {
  if (env['OMP_WAIT_POLICY'] === undefined) env['GOMP_SPINCOUNT'] ??= '10000'
}

/** The version of libtorch that the addon was built for. @throws ERR_ADDON where there is no addon */
export function builtFor(): string {
  if (![ADDON.loader, ADDON.main, ADDON.built].every((file) => existsSync(file))) {
    throw new TorchgraftError('ERR_ADDON', 'The addon has not been built. Run "npm run setup" in the folder of torchgraft', { path: ADDON.main })
  }
  return (JSON.parse(readFileSync(ADDON.built, 'utf8')) as { libtorch: string }).libtorch
}

/** Any patch of the minor version will do. @throws ERR_LIBTORCH_VERSION */
export function checkVersion(found: string, built: string, folder: string): void {
  const minor = (version: string): string => version.split('.').slice(0, 2).join('.')
  if (minor(found) === minor(built)) return
  throw new TorchgraftError('ERR_LIBTORCH_VERSION', `The addon was built for libtorch ${minor(built)}, and ${folder} holds ${found}. Point LIBTORCH at a ${minor(built)}, or run "npm run setup" to build for this one`, { path: folder })
}

function openLibtorch(loader: LoaderBinding, { library }: Libtorch): string {
  try {
    return loader.openLibtorch(library)
  } catch (cause) {
    throw new TorchgraftError('ERR_LIBTORCH_MISSING', `${library} could not be opened: ${(cause as Error).message}. Run "torchgraft doctor" to see what was tried`, { path: library, cause })
  }
}

/** Another libtorch, found by the system's own search, would mix with the one that was opened. Linux tells what is mapped. */
function checkOnlyOne({ library, folder }: Libtorch): void {
  if (process.platform !== 'linux') return
  const mapped = new Set(readFileSync('/proc/self/maps', 'utf8').match(/\/\S*libtorch_cpu\.so\S*/g))
  if (mapped.size <= 1) return
  throw new TorchgraftError('ERR_LIBTORCH_VERSION', `Two libtorchs were loaded at once: ${[...mapped].join(' and ')}. Take the one that is not in ${folder} out of LD_LIBRARY_PATH`, { path: library })
}

function missing(tried: readonly Attempt[]): TorchgraftError {
  const attempts = tried.map(({ source, result }) => `${source}: ${result}`).join('; ')
  return new TorchgraftError('ERR_LIBTORCH_MISSING', `No libtorch was found (${attempts}). Run "npm run setup" in the folder of torchgraft, or set LIBTORCH to a folder of libtorch`)
}
