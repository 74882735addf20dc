import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, setUpCommand } from '../../scripts/places.mjs'
import { TorchgraftError } from '../errors.js'
import { checkMapped } from './mapped-libtorch.js'
import { packageRoot } from '../package.js'

/** Loads libtorch and the addon as this process is about to, tells what came, and computes a little. */
const TRIAL = `
const [library, loader, main] = process.argv.slice(1)
const { readFileSync, writeSync } = require('node:fs')
const version = require(loader).openLibtorch(library)
const maps = process.platform === 'linux' ? readFileSync('/proc/self/maps', 'utf8') : ''
writeSync(1, JSON.stringify({ version, maps: maps.split('\\n').filter((line) => line.includes('libtorch_cpu')).join('\\n') }))
const { describe, variants } = require(main)
if (describe(variants[0], 2).tensors.length === 0) process.exit(3)
`
/** A disk that has never read the libraries may take a while. */
const TIMEOUT_MS = 120_000
/** What decides which libraries come, besides the files. */
const SEARCH = ['LD_LIBRARY_PATH', 'LD_PRELOAD', 'DYLD_LIBRARY_PATH', 'DYLD_INSERT_LIBRARIES'] as const

/**
 * Tries a pair of libtorch and addon in a child process, the first time that they meet: where that crashes, it is the
 * child that dies. Remembered in the user's cache by the files' sizes and times, and by where libraries are searched.
 *
 * @throws ERR_ADDON, with what the child said; ERR_LIBTORCH_VERSION where another came than was meant
 */
export function probeOnce(library: string, addon: { readonly loader: string; readonly main: string }, checkVersion: (version: string) => void): void {
  const stamp = stampOf(library, addon)
  if (existsSync(stamp)) return
  const env = { ...process.env, NODE_OPTIONS: '' } // the parent's flags are not about this
  const { status, signal, stdout, stderr, error } = spawnSync(process.execPath, ['--eval', TRIAL, '--', library, addon.loader, addon.main], { env, encoding: 'utf8', timeout: TIMEOUT_MS })
  const came = parse(stdout)
  if (came) {
    checkMapped(library, came.maps)
    checkVersion(came.version)
  }
  if (status !== 0) {
    const how = error ? error.message : signal ? `it ended by ${signal}` : `it ended with code ${status}`
    const said = stderr.trim().split('\n').find((line) => /error/i.test(line)) ?? ''
    throw new TorchgraftError('ERR_ADDON', `A trial of ${library} in a process of its own failed: ${how}${said === '' ? '' : ` (${said.trim()})`}. Run "${setUpCommand(packageRoot())}" to build the addon for it, or point LIBTORCH at another`, { path: library })
  }
  try {
    mkdirSync(join(stamp, '..'), { recursive: true })
    writeFileSync(stamp, '')
  } catch {
    // Not remembered, so tried again next time: slower, and no harm.
  }
}

/** Whether `probeOnce` has tried them, and would not again. */
export function isTried(library: string, addon: { readonly loader: string; readonly main: string }): boolean {
  return existsSync(stampOf(library, addon))
}

function stampOf(library: string, { loader, main }: { readonly loader: string; readonly main: string }): string {
  return join(cacheFolder(), 'probes', stampName([library, loader, main]))
}

function parse(stdout: string): { readonly version: string; readonly maps: string } | undefined {
  try {
    return JSON.parse(stdout) as { version: string; maps: string }
  } catch {
    return undefined // it did not come so far
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
