import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { ROOT } from '../../src/native/root.js'

const run = promisify(execFile)
const BUILD = join(ROOT, 'build')

/** Builds `native/check/engine_check.cc` where it is not up to date. Set-up has made the build folder. */
export async function buildEngineCheck(): Promise<void> {
  const cmake = /^CMAKE_COMMAND:INTERNAL=(.*)$/m.exec(readFileSync(join(BUILD, 'CMakeCache.txt'), 'utf8'))?.[1] ?? 'cmake'
  await run(cmake, ['--build', BUILD, '--config', 'Release', '--target', 'engine_check'], { maxBuffer: 1 << 26 })
}

/** What the program prints, as JSON. */
export function engineCheck(...words: readonly string[]): Promise<unknown> {
  return engineCheckWith({}, ...words)
}

/** The same, with more in its environment. */
export async function engineCheckWith(more: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<unknown> {
  const lib = libtorchFolder()
  const env = { ...process.env, LD_LIBRARY_PATH: lib, DYLD_LIBRARY_PATH: lib, OMP_NUM_THREADS: '1', ...more } // tiny tensors: threads would only wait for each other
  const { stdout } = await run(join(BUILD, 'check', 'engine_check'), words, { env })
  return JSON.parse(stdout)
}

/** Of libtorch's libraries. */
export function libtorchFolder(): string {
  return join(locateLibtorch({ root: ROOT }).found!.folder, 'lib')
}
