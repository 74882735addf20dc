import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const NAME = /^libjemalloc\.so\.2$/

/**
 * A jemalloc for the peers, which is worth up to 1.6 × to PyTorch on a CPU: the one named, the system's, or Debian's package
 * unpacked into a folder.
 *
 * @param {string} folder where an unpacked one lies, or will
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined} the library
 */
export function findJemalloc(folder, env = process.env) {
  if (process.platform !== 'linux') return undefined
  const named = env['TORCHGRAFT_JEMALLOC']
  return named || systems() || unpacked(folder) || fetched(folder)
}

function systems() {
  const { stdout } = spawnSync('ldconfig', ['-p'])
  return stdout?.toString().match(/libjemalloc\.so\.2 .*=> (\S+)/)?.[1]
}

/** @param {string} folder @returns {string | undefined} */
function unpacked(folder) {
  if (!existsSync(folder)) return undefined
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  return files.filter(({ name }) => NAME.test(name)).map(({ parentPath, name }) => join(parentPath, name))[0]
}

/** Nothing is installed, so it takes no rights. @param {string} folder */
function fetched(folder) {
  mkdirSync(folder, { recursive: true })
  const working = mkdtempSync(join(folder, 'fetching-'))
  try {
    const got = spawnSync('apt-get', ['download', 'libjemalloc2'], { cwd: working, timeout: 60_000 })
    const [archive] = readdirSync(working)
    if (got.status !== 0 || archive === undefined) return undefined
    if (spawnSync('dpkg-deb', ['-x', archive, folder], { cwd: working }).status !== 0) return undefined
    return unpacked(folder)
  } finally {
    rmSync(working, { recursive: true, force: true })
  }
}
