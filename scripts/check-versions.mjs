// Compiles every native source against the headers of other libtorch versions than the one that is built for: the
// oldest that is thought of, and the newest that there is. Nothing is linked or run.
//
//   npm run check:versions [-- VERSION...]
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fetchHeaders } from './libtorch/headers.mjs'
import { SetupError } from './setup/fail.mjs'
import { makeProgress } from './setup/progress.mjs'
import { runCommand } from './setup/run-command.mjs'

const OLDEST = '2.11.0'
const TARGETS = ['torchgraft_torch', 'compiled_only']
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = join(ROOT, '.torchgraft', 'versions')

/** What pip would install, without installing it. @param {string} requirement @returns {{ readonly version: string, readonly url: string }} */
function resolveWheel(requirement) {
  const args = ['-m', 'pip', 'install', '--dry-run', '--ignore-installed', '--no-deps', '--only-binary=:all:', '--quiet', '--report', '-', requirement]
  const { status, stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new SetupError(`pip does not find ${requirement}: ${stderr.trim()}`)
  const { install } = /** @type {{ install: { metadata: { version: string }, download_info: { url: string } }[] }} */ (JSON.parse(stdout))
  const [found] = install
  if (!found) throw new SetupError(`pip does not find ${requirement}.`)
  return { version: found.metadata.version, url: found.download_info.url }
}

/** @param {ReturnType<typeof makeProgress>} progress @param {string} requirement */
async function check(progress, requirement) {
  const { version, url } = resolveWheel(requirement)
  const folder = join(FOLDER, version)
  const libtorch = join(folder, 'headers', 'torch')
  if (!existsSync(join(libtorch, 'include'))) await progress(`Fetching the headers of libtorch ${version}`, () => fetchHeaders(url, join(folder, 'headers')))
  const cmakeJs = join(dirname(createRequire(import.meta.url).resolve('cmake-js/package.json')), 'bin', 'cmake-js')
  for (const target of TARGETS) {
    const args = [cmakeJs, 'compile', '--out', join(folder, 'build'), '--target', target, '--parallel', String(availableParallelism()), `--CDLIBTORCH=${libtorch}`]
    await progress(`Compiling ${target} against libtorch ${version}`, () => runCommand(process.execPath, args, { cwd: ROOT, log: join(folder, `${target}.log`) }))
  }
  console.log(`libtorch ${version}: every native source compiles.`)
}

try {
  const asked = process.argv.slice(2).map((version) => `torch==${version}`)
  for (const requirement of asked.length > 0 ? asked : [`torch==${OLDEST}`, 'torch']) await check(makeProgress(process.stderr), requirement)
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
