// Before all test files, so once: those that run the program would else build it at the same time, each within a time limit.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { locateLibtorch } from '../../../scripts/libtorch/locate.mjs'
import { buildFolder } from '../../../scripts/common/paths.mjs'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * Builds `native/check/engine_check.cc`, in the build folder that set-up has made, where a test file that is asked for
 * runs it.
 *
 * @param {import('jest').Config & { readonly testPathPatterns: { readonly patterns: readonly string[] } }} globalConfig
 */
export default async function buildEngineCheck({ testPathPatterns, findRelatedTests }) {
  const asked = findRelatedTests ? [] : testPathPatterns.patterns
  const runs = filesThatRunIt().some((file) => asked.length === 0 || asked.some((pattern) => new RegExp(pattern, 'i').test(file)))
  const { found } = locateLibtorch({ root: ROOT })
  if (!runs || !found) return
  const build = buildFolder(ROOT, process.env, found)
  const cmake = /^CMAKE_COMMAND:INTERNAL=(.*)$/m.exec(readFileSync(join(build, 'CMakeCache.txt'), 'utf8'))?.[1] ?? 'cmake'
  await promisify(execFile)(cmake, ['--build', build, '--config', 'Release', '--target', 'engine_check'], { maxBuffer: 1 << 26 })
}

function filesThatRunIt() {
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' }).map((name) => join(ROOT, 'test', name))
  const found = files.filter((file) => file.endsWith('.test.ts') && readFileSync(file, 'utf8').includes('/engine-check.js'))
  if (found.length === 0) throw new Error('No test file runs engine_check: has test/helpers/processes/engine-check.ts another name now?')
  return found
}
