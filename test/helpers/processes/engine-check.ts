import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { locateLibtorch } from '../../../scripts/libtorch/locate.mjs'
import { buildFolder } from '../../../scripts/common/paths.mjs'
import { ROOT } from './child.js'

const run = promisify(execFile)

/** What `native/check/engine_check.cc`, which `build-engine-check.mjs` has built, prints as JSON. */
export function engineCheck(...words: readonly string[]): Promise<unknown> {
  return engineCheckWith({}, ...words)
}

/** The same, with more in its environment. */
export async function engineCheckWith(more: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<unknown> {
  const found = locateLibtorch({ root: ROOT }).found!
  const lib = libtorchFolder()
  const env = { ...process.env, LD_LIBRARY_PATH: lib, DYLD_LIBRARY_PATH: lib, OMP_NUM_THREADS: '1', ...more } // tiny tensors: threads would only wait for each other
  const { stdout } = await run(join(buildFolder(ROOT, process.env, found), 'check', 'engine_check'), words, { env })
  return JSON.parse(stdout)
}

/** Of libtorch's libraries. */
export function libtorchFolder(): string {
  return join(locateLibtorch({ root: ROOT }).found!.folder, 'lib')
}

/** Of the library in the place of NVIDIA's driver (`native/check/cuda/stand_in_driver.cc`). */
export function standInDriver(): string {
  return join(buildFolder(ROOT, process.env, locateLibtorch({ root: ROOT }).found!), 'check', 'driver')
}
