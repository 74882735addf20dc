import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, setUpCommand } from '../../scripts/common/paths.mjs'
import { TorchgraftError } from '../errors.js'
import { checkMapped } from './mapped-libtorch.js'
import { packageRoot } from '../package.js'

/** A program that loads libtorch and the addon as this process is about to, prints what was loaded, and computes a little. */
const TRIAL = `
const [library, loader, main] = process.argv.slice(1)
const { readFileSync, writeSync } = require('node:fs')
const version = require(loader).openLibtorch(library)
const maps = process.platform === 'linux' ? readFileSync('/proc/self/maps', 'utf8') : ''
writeSync(1, JSON.stringify({ version, maps: maps.split('\\n').filter((line) => line.includes('libtorch_cpu')).join('\\n') }))
const { describe, variants } = require(main)
if (describe(variants[0], 2).tensors.length === 0) process.exit(3)
`
/** Long, since the libraries may be read from disk for the first time. */
const TIMEOUT_MS = 120_000
/** Variables that decide which libraries the dynamic linker loads. */
const SEARCH = ['LD_LIBRARY_PATH', 'LD_PRELOAD', 'DYLD_LIBRARY_PATH', 'DYLD_INSERT_LIBRARIES'] as const

export interface ProbedAddon {
  readonly loader: string
  readonly main: string
}

/**
 * Loads a pair of libtorch and addon in a child process, the first time that they are used together: where that crashes, it is the
 * child that dies. A success is remembered in the user's cache, by the files' sizes and times and by the linker's search path.
 *
 * @throws ERR_ADDON, with what the child printed; ERR_LIBTORCH_VERSION where another libtorch was loaded than `library`
 */
export function probeOnce(library: string, addon: ProbedAddon, checkVersion: (version: string) => void): void {
  const stamp = stampOf(library, addon)
  if (existsSync(stamp)) return
  const program = ['--eval', TRIAL, '--', library, addon.loader, addon.main]
  const env = { ...process.env, NODE_OPTIONS: '' } // the parent's flags are for the parent
  const child = spawnSync(process.execPath, program, { env, encoding: 'utf8', timeout: TIMEOUT_MS })
  const loaded = parse(child.stdout)
  if (loaded) {
    checkMapped(library, loaded.maps)
    checkVersion(loaded.version)
  }
  if (child.status !== 0) throw failed(library, child)
  remember(stamp)
}

function failed(library: string, { status, signal, stderr, error }: SpawnSyncReturns<string>): TorchgraftError {
  const end = signal ? `it ended by ${signal}` : `it ended with code ${status}`
  const printed = stderr.trim().split('\n').find((line) => /error/i.test(line))?.trim()
  const trouble = `A trial of ${library} in a process of its own failed: ${error?.message ?? end}${printed === undefined ? '' : ` (${printed})`}`
  const advice = `Run "${setUpCommand(packageRoot())}" to build the addon for it, or point LIBTORCH at another`
  return new TorchgraftError('ERR_ADDON', `${trouble}. ${advice}`, { path: library })
}

function remember(stamp: string): void {
  try {
    mkdirSync(join(stamp, '..'), { recursive: true })
    writeFileSync(stamp, '')
  } catch {
    // It is tried again next time, which is slower and does no harm.
  }
}

/** Whether `probeOnce` has loaded this pair before, and would not again. */
export function isTried(library: string, addon: ProbedAddon): boolean {
  return existsSync(stampOf(library, addon))
}

/** The file whose presence says that a pair has been loaded. */
function stampOf(library: string, { loader, main }: ProbedAddon): string {
  return join(cacheFolder(), 'probes', stampName([library, loader, main]))
}

function parse(stdout: string): { readonly version: string; readonly maps: string } | undefined {
  try {
    return JSON.parse(stdout) as { version: string; maps: string }
  } catch {
    return undefined // the child ended before it printed
  }
}

function stampName(files: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([process.version, ...SEARCH.map((name) => process.env[name])]))
  for (const file of files) {
    const { size, mtimeMs } = statSync(file)
    hash.update(`\n${file} ${size} ${mtimeMs}`)
  }
  return hash.digest('hex').slice(0, 32)
}
