import { join } from 'node:path'
import { startChild } from './child.mjs'
import { CheckFailed, childFailed } from './part.mjs'

const LIMIT = 150
/** One test that takes a second, for a try of the check itself. */
const QUICK = ['-t', 'state comes back as it was put in']

/** The tests of the shelf `cuda`, by jest. @param {import('./types.d.mts').Context} context @param {AbortSignal} signal */
export async function test({ root, env, device, quick, tell }, signal) {
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', join(root, 'node_modules', 'jest', 'bin', 'jest.js')]
  const args = [...jest, 'test/cuda', '--ci', '--runInBand', '--colors=false', '--verbose', ...(quick ? QUICK : [])]
  let counts = ''
  const onLine = (/** @type {string} */ line) => {
    tell(`  ${line}`)
    counts = /^Tests:\s+(.*)$/.exec(line)?.[1] ?? counts
  }
  const options = { cwd: root, env: { ...env, TORCHGRAFT_TEST_DEVICE: device }, limit: LIMIT, signal, onLine }
  const end = await startChild(process.execPath, args, options).end
  if (end.late || counts === '') throw childFailed('jest', end, LIMIT)
  if (end.code !== 0) throw new CheckFailed(`test/cuda: ${counts}; the failures are above`)
  return `test/cuda: ${counts}`
}
