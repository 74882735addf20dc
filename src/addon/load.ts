import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Attempt, type Libtorch, locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { addonFiles, type AddonFiles, buildFolder, setUpCommand } from '../../scripts/common/paths.mjs'
import { TorchgraftError } from '../errors.js'
import type { Binding, LoaderBinding } from './binding.js'
import { checkMapped } from './mapped-libtorch.js'
import { isTried, probeOnce } from './probe.js'
import { checkCpuCapability } from './processor.js'
import { bundledError, packageRoot } from '../package.js'

let loaded: Binding | undefined

/**
 * The addon, loaded at its first use, with libtorch before it.
 *
 * @throws ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION, ERR_ADDON; ERR_DEVICE where the environment asks for instructions that the
 * processor lacks
 */
export function loadAddon(): Binding {
  return (loaded ??= load())
}

/**
 * Opens libtorch on another thread, before it is needed: `loadAddon` then waits for the rest. Where something is missing, or this
 * libtorch has not been probed yet, it does nothing and reports nothing: `loadAddon` will.
 */
export async function preloadLibtorch(): Promise<void> {
  const { found } = locateLibtorch({ root: packageRoot() })
  if (!found) return
  const addon = addonFiles(buildFolder(packageRoot(), process.env, found))
  try {
    checkVersion(found.version, builtFor(addon), found.folder)
    checkCpuCapability()
    if (!isTried(found.library, addon)) return
    limitSpinning(process.env)
    await requireAddon<LoaderBinding>(addon.loader).preloadLibtorch(found.library)
  } catch {
    // Slower, and no harm.
  }
}

function load(): Binding {
  const { found, tried } = locateLibtorch({ root: packageRoot() })
  if (!found) throw missing(tried)
  const addon = addonFiles(buildFolder(packageRoot(), process.env, found))
  const built = builtFor(addon)
  checkVersion(found.version, built, found.folder)
  checkCpuCapability()
  probeOnce(found.library, addon, (version) => checkVersion(version, built, found.folder))
  limitSpinning(process.env)
  const opened = openLibtorch(requireAddon<LoaderBinding>(addon.loader), found)
  checkVersion(opened, built, found.folder)
  checkMapped(found.library)
  try {
    const binding = requireAddon<Binding>(addon.main)
    // process.exit() goes straight to the C library's exit, which takes libtorch apart under a step that is running.
    process.once('exit', () => binding.stop())
    return binding
  } catch (cause) {
    if (cause instanceof TorchgraftError) throw cause
    const reason = (cause as Error).message
    const advice = `Run "${setUpCommand(packageRoot())}" to build it again`
    throw new TorchgraftError('ERR_ADDON', `The addon could not be loaded: ${reason}. ${advice}`, { path: addon.main, cause })
  }
}

/**
 * Shortens the busy-waiting of libtorch's OpenMP threads, which by default is so long that one busy program on the machine makes a
 * training step many times slower. It costs nothing on an idle machine. The environment is read when libtorch is opened; what the
 * user has set stays.
 */
export function limitSpinning(env: NodeJS.ProcessEnv): void {
  if (env['OMP_WAIT_POLICY'] === undefined) env['GOMP_SPINCOUNT'] ??= '10000'
}

/** Loads a .node file. @throws ERR_BUNDLED where a bundler has replaced Node's `require` by one that finds only what it bundled */
function requireAddon<T>(file: string): T {
  try {
    return createRequire(import.meta.url)(file) as T
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND' && existsSync(file)) throw bundledError(import.meta.url)
    throw cause
  }
}

/** The version of libtorch that the addon was built for. @throws ERR_ADDON where there is no addon */
function builtFor({ loader, main, built }: AddonFiles): string {
  if (![loader, main, built].every((file) => existsSync(file))) {
    const advice = `Run "${setUpCommand(packageRoot())}" in the folder of torchgraft`
    throw new TorchgraftError('ERR_ADDON', `The addon has not been built. ${advice}`, { path: main })
  }
  return (JSON.parse(readFileSync(built, 'utf8')) as { libtorch: string }).libtorch
}

/** Whether a libtorch is of the minor version that the addon was built for: any patch of it will do. @throws ERR_LIBTORCH_VERSION */
export function checkVersion(found: string, built: string, folder: string): void {
  const minor = (version: string): string => version.split('.').slice(0, 2).join('.')
  if (minor(found) === minor(built)) return
  const trouble = `The addon was built for libtorch ${minor(built)}, and ${folder} holds ${found}`
  const advice = `Point LIBTORCH at a ${minor(built)}, or run "${setUpCommand(packageRoot())}" to build for this one`
  throw new TorchgraftError('ERR_LIBTORCH_VERSION', `${trouble}. ${advice}`, { path: folder })
}

function openLibtorch(loader: LoaderBinding, { library }: Libtorch): string {
  try {
    return loader.openLibtorch(library)
  } catch (cause) {
    const reason = withoutPrefix((cause as Error).message, `${library}: `)
    const message = `${library} could not be opened: ${reason}. Run "torchgraft doctor" to see what was tried`
    throw new TorchgraftError('ERR_LIBTORCH_MISSING', message, { path: library, cause })
  }
}

function missing(tried: readonly Attempt[]): TorchgraftError {
  const attempts = tried.map(({ source, result }) => `${source}: ${result}`).join('; ')
  const advice = `Run "${setUpCommand(packageRoot())}", or set LIBTORCH to a folder of libtorch`
  return new TorchgraftError('ERR_LIBTORCH_MISSING', `No libtorch was found (${attempts}). ${advice}`)
}

/** The dynamic linker's message begins with the library that it was given, or with another that this one needs. */
function withoutPrefix(message: string, prefix: string): string {
  return message.startsWith(prefix) ? message.slice(prefix.length) : message
}
