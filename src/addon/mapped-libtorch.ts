import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TorchgraftError } from '../errors.js'

const CORE = 'libtorch_cpu.so'

/**
 * That what is mapped into a process is the libtorch that was meant: its parts are found by the system's own search, which
 * asks LD_LIBRARY_PATH before the folder that they lie in. Linux alone tells what is mapped.
 *
 * @param maps the process's, as Linux tells them
 * @throws ERR_LIBTORCH_VERSION, naming the file that came in its place or beside it
 */
export function checkMapped(library: string, maps = readMaps()): void {
  const core = join(dirname(library), CORE)
  const own = existsSync(core) ? realpathSync(core) : core
  const others = [...new Set(maps.split('\n').flatMap((line) => /\s(\/.*\/libtorch_cpu\.so[^/]*)$/.exec(line)?.[1] ?? []))].filter((file) => file !== own)
  if (others.length === 0) return
  throw new TorchgraftError('ERR_LIBTORCH_VERSION', `Another libtorch came with ${library}, by way of LD_LIBRARY_PATH or LD_PRELOAD: ${others.join(' and ')}. Take ${others.map((file) => dirname(file)).join(' and ')} out of them, or point LIBTORCH at that one`, { path: library })
}

function readMaps(): string {
  return process.platform === 'linux' ? readFileSync('/proc/self/maps', 'utf8') : ''
}
