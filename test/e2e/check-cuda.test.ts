import { availableParallelism } from 'node:os'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { ROOT, runNode } from '../helpers/processes/child.js'
import { findPython } from '../helpers/processes/python.js'
import { skip } from '../helpers/skip.js'

// The libtorch that the addon is built for: for another it would be built anew.
const env = { ...process.env, LIBTORCH: locateLibtorch({ root: ROOT }).found?.folder }

test('check:cuda, tried on a CPU, trains its images, resumes a killed run with the same bytes, and tells it in a table', async () => {
  const { code, stdout } = await runNode(['scripts/check-cuda.mjs', '--device', 'cpu', '--quick', '--only', 'train'], { env })
  expect(stdout).toMatch(/killed after \d+ steps, resumed at epoch \d/)
  expect(stdout).toMatch(/\ntrain {6}ok .*top-1 [\d.]+ %/)
  expect(stdout).toMatch(/\nUVA-like, 3 epochs, s +– +– +– +[\d.]+ +8 +5\n/)
  expect(stdout.replace(/\s+/g, ' ')).toContain('killed and resumed: the same bytes')
  expect(code).toBe(0)
}, 120_000)

const python = findPython()
if (!python) skip('check:cuda beside Python', 'no Python with torch, torchvision, safetensors and numpy: name one as TORCHGRAFT_PYTHON')
else test('check:cuda, tried on a CPU, has the notebook’s losses, and measures each row beside its peers', async () => {
  const args = ['scripts/check-cuda.mjs', '--device', 'cpu', '--quick', '--only', 'notebook,speed']
  const { code, stdout } = await runNode(args, { env: { ...env, TORCHGRAFT_PYTHON: python } })
  expect(stdout).toMatch(/\nnotebook {3}ok .*4 losses/)
  expect(stdout).toMatch(/\n400MF, batch 8 +[\d,]+ +[\d,]+ +– +[\d,]+ +5 +10,000 +[\d.]+\n/)
  expect(stdout).toMatch(/\nstart to first step, s +[\d.]+ +[\d.]+ +– +[\d.]+ +3 +2 +[\d.]+\n/)
  expect(stdout).toMatch(/\nscoring, batch 8 +[\d,]+ +[\d,]+ +– +[\d,]+ +[\d.]+\n/)
  for (const row of ['scoring, one ahead', '400MF, batch 8, plain', 'loading, a core']) {
    expect(stdout).toMatch(new RegExp(`\\n${row} +– +– +– +[\\d,]+\\n`))
  }
  expect(stdout).toMatch(/losses of 3 steps, how far apart at most: torchgraft/)
  expect(code).toBe(0)
}, 240_000)

test('check:cuda that is ended tells what it has found so far', async () => {
  let ended = false
  const { code, stdout } = await runNode(['scripts/check-cuda.mjs', '--device', 'cpu', '--quick', '--only', 'train'], {
    env,
    onOutput: (said, _, kill) => {
      if (!ended && said.includes('== train')) kill('SIGTERM')
      ended ||= said.includes('== train')
    },
  })
  expect(stdout).toMatch(/SIGTERM: ended before all was checked\.\n[^]*\nlibtorch +[^]*\npart +result.*\ntrain {6}FAILED .*was not over/)
  expect(code).toBe(1)
}, 60_000)

test('check:cuda decodes by as many threads as the command line does', async () => {
  const { UV_THREADPOOL_SIZE: _, ...rest }: NodeJS.ProcessEnv = env
  const { stdout } = await runNode(['scripts/check-cuda.mjs', '--device', 'cpu', '--quick', '--only', 'train'], {
    env: rest,
    onOutput: (said, _, kill) => void (said.includes('== train') && kill('SIGTERM')),
  })
  expect(stdout).toContain(`GiB of memory; ${Math.max(availableParallelism(), 4)} threads decode`)
}, 60_000)

test('check:cuda without a GPU says so, and fails', async () => {
  const { code, stdout, stderr } = await runNode(['scripts/check-cuda.mjs', '--device', 'cuda:15', '--quick', '--only', 'build'], { env })
  const said = /There is no libtorch for cuda:15|libtorch sees .*, and this asks for cuda:15/
  expect([code, stdout + stderr]).toEqual([1, expect.stringMatching(said)])
}, 120_000)
