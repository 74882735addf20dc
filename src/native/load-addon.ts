import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Attempt, type Libtorch, locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { addonFiles, type AddonFiles, buildFolder, setUpCommand } from '../../scripts/places.mjs'
import { TorchgraftError } from '../errors.js'
import type { Binding, LoaderBinding } from './binding.js'
import { checkMapped } from './mapped-libtorch.js'
import { isTried, probeOnce } from './probe.js'
import { ROOT } from './root.js'

const SET_UP = setUpCommand(ROOT)

let loaded: Binding | undefined

/**
 * The addon, loaded at its first use, with libtorch before it.
 *
 * @throws ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION, ERR_ADDON
 */
export function loadAddon(): Binding {
  return (loaded ??= load())
}

/**
 * Begins to open libtorch on a thread of its own, for what is about to need it: `loadAddon` waits for the rest. Does nothing
 * where something is missing or has not been tried yet, and says nothing: `loadAddon` will.
 */
export function preloadLibtorch(): void {
  const { found } = locateLibtorch({ root: ROOT })
  if (!found) return
  const addon = addonFiles(buildFolder(ROOT, process.env, found))
  try {
    checkVersion(found.version, builtFor(addon), found.folder)
    if (!isTried(found.library, addon)) return
    limitSpinning(process.env)
    ;(createRequire(import.meta.url)(addon.loader) as LoaderBinding).preloadLibtorch(found.library)
  } catch {
    // Slower, and no harm.
  }
}

function load(): Binding {
  const { found, tried } = locateLibtorch({ root: ROOT })
  if (!found) throw missing(tried)
  const addon = addonFiles(buildFolder(ROOT, process.env, found))
  const built = builtFor(addon)
  checkVersion(found.version, built, found.folder)
  probeOnce(found.library, addon, (version) => checkVersion(version, built, found.folder))
  limitSpinning(process.env)
  const require = createRequire(import.meta.url)
  const opened = openLibtorch(require(addon.loader) as LoaderBinding, found)
  checkVersion(opened, built, found.folder)
  checkMapped(found.library)
  try {
    const binding = require(addon.main) as Binding
    // process.exit() goes straight to the C library's exit, which takes libtorch apart under a step that is running.
    process.once('exit', () => binding.stop())
    return binding
  } catch (cause) {
    if (cause instanceof TorchgraftError) throw cause
    throw new TorchgraftError('ERR_ADDON', `The addon could not be loaded: ${(cause as Error).message}. Run "${SET_UP}" to build it again`, { path: addon.main, cause })
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
function builtFor({ loader, main, built }: AddonFiles): string {
  if (![loader, main, built].every((file) => existsSync(file))) {
    throw new TorchgraftError('ERR_ADDON', `The addon has not been built. Run "${SET_UP}" in the folder of torchgraft`, { path: main })
  }
  return (JSON.parse(readFileSync(built, 'utf8')) as { libtorch: string }).libtorch
}

/** Any patch of the minor version will do. @throws ERR_LIBTORCH_VERSION */
export function checkVersion(found: string, built: string, folder: string): void {
  const minor = (version: string): string => version.split('.').slice(0, 2).join('.')
  if (minor(found) === minor(built)) return
  throw new TorchgraftError('ERR_LIBTORCH_VERSION', `The addon was built for libtorch ${minor(built)}, and ${folder} holds ${found}. Point LIBTORCH at a ${minor(built)}, or run "${SET_UP}" to build for this one`, { path: folder })
}

function openLibtorch(loader: LoaderBinding, { library }: Libtorch): string {
  try {
    return loader.openLibtorch(library)
  } catch (cause) {
    throw new TorchgraftError('ERR_LIBTORCH_MISSING', `${library} could not be opened: ${withoutPrefix((cause as Error).message, `${library}: `)}. Run "torchgraft doctor" to see what was tried`, { path: library, cause })
  }
}

function missing(tried: readonly Attempt[]): TorchgraftError {
  const attempts = tried.map(({ source, result }) => `${source}: ${result}`).join('; ')
  return new TorchgraftError('ERR_LIBTORCH_MISSING', `No libtorch was found (${attempts}). Run "${SET_UP}", or set LIBTORCH to a folder of libtorch`)
}

/** The system's linker begins with the file that it was given, or with another that this one needs. */
function withoutPrefix(message: string, prefix: string): string {
  return message.startsWith(prefix) ? message.slice(prefix.length) : message
}
