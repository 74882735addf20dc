import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { ROOT, runNode } from '../helpers/child.js'

// The libtorch that the addon is built for: for another it would be built anew.
const env = { ...process.env, LIBTORCH: locateLibtorch({ root: ROOT }).found?.folder }

test('check:cuda, tried on a CPU, trains its pictures, resumes a killed run with the same bytes, and tells it in a table', async () => {
  const { code, stdout } = await runNode(['scripts/check-cuda.mjs', '--device', 'cpu', '--quick', '--only', 'train'], { env })
  expect(stdout).toMatch(/killed after \d+ steps, resumed at epoch \d/)
  expect(stdout).toMatch(/\ntrain {6}ok .*top-1 [\d.]+ %/)
  expect(stdout.replace(/\s+/g, ' ')).toContain('killed and resumed: the same bytes')
  expect(code).toBe(0)
}, 120_000)

test('check:cuda without a GPU says so, and fails', async () => {
  const { code, stdout, stderr } = await runNode(['scripts/check-cuda.mjs', '--device', 'cuda:15', '--quick', '--only', 'build'], { env })
  expect([code, stdout + stderr]).toEqual([1, expect.stringMatching(/There is no libtorch for cuda:15|libtorch sees .*, and this asks for cuda:15/)])
}, 120_000)
