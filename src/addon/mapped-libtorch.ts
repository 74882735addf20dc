import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TorchgraftError } from '../errors.js'

const CORE = 'libtorch_cpu.so'

/**
 * Checks that a process has mapped this libtorch and no other. The dynamic linker looks for libtorch's parts in LD_LIBRARY_PATH before
 * it looks beside `library`, so parts of another one may have been loaded. Only Linux lists what is mapped; elsewhere nothing is checked.
 *
 * @param maps the process's `/proc/self/maps`
 * @throws ERR_LIBTORCH_VERSION, naming the other libtorch's files
 */
export function checkMapped(library: string, maps = readMaps()): void {
  const core = join(dirname(library), CORE)
  const own = existsSync(core) ? realpathSync(core) : core
  const mapped = new Set(maps.split('\n').flatMap((line) => /\s(\/.*\/libtorch_cpu\.so[^/]*)$/.exec(line)?.[1] ?? []))
  const others = [...mapped].filter((file) => file !== own)
  if (others.length === 0) return
  const trouble = `Another libtorch came with ${library}, by way of LD_LIBRARY_PATH or LD_PRELOAD: ${others.join(' and ')}`
  const advice = `Take ${others.map((file) => dirname(file)).join(' and ')} out of them, or point LIBTORCH at that one`
  throw new TorchgraftError('ERR_LIBTORCH_VERSION', `${trouble}. ${advice}`, { path: library })
}

function readMaps(): string {
  return process.platform === 'linux' ? readFileSync('/proc/self/maps', 'utf8') : ''
}
