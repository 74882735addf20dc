import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { ROOT, runNode } from '../helpers/processes/child.js'
import { findPython } from '../helpers/processes/python.js'
import { skip } from '../helpers/skip.js'

interface Told {
  readonly peer: string
  readonly task: string
  readonly how: string
  readonly precision: string
  readonly losses?: readonly number[]
  readonly labels?: readonly number[]
  readonly images: number
}

const python = findPython()
if (!python) skip('the bench’s peers as on a GPU', 'no Python with torch, torchvision, safetensors and numpy: name one as TORCHGRAFT_PYTHON')
else test('the bench’s peers, with a CPU in a GPU’s place, do the same work in each one’s own way', async () => {
  await using folder = await temporaryFolder()
  const campus = join(ROOT, 'samples', 'campus')
  const files = await readdir(campus, { recursive: true })
  const images = files.filter((file) => file.endsWith('.jpg')).sort().slice(0, 8).map((file) => join(campus, file))
  const { stdout } = await promisify(execFile)(python, [join(ROOT, 'test', 'helpers', 'processes', 'gpu-stand-in.py'), folder.path, ...images])
  const told = stdout.trim().split('\n').map((line) => JSON.parse(line) as Told)
  const of = (peer: string, task: string): Told | undefined => told.find((each) => each.peer === peer && each.task === task)
  expect(of('notebook', 'train-step')).toMatchObject({ how: 'fp16 and GradScaler, contiguous', precision: 'fp16', images: 8 })
  expect(of('tuned', 'train-step')?.how).toBe('fp32, channels_last, fused Adam, cudnn.benchmark, TF32, batches ready on the GPU')
  for (const task of ['train-step', 'score-step', 'predict', 'evaluate']) {
    const [one, other] = [of('notebook', task), of('tuned', task)]
    expect([task, other?.images]).toEqual([task, one?.images])
    for (const [i, loss] of one?.losses?.slice(0, 1).entries() ?? []) expect((other?.losses?.[i] ?? NaN) / loss).toBeCloseTo(1, 1)
  }
  expect(of('tuned', 'predict')?.labels).toHaveLength(8)
}, 240_000)

test('a bench of a GPU that is not there names all that is missing, before it makes anything', async () => {
  const { code, stdout, stderr } = await runNode(['bench/run.mjs', '--device', 'cuda:15'])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^--device cuda:15 cannot be measured here:\n {2}- /)
  expect(stderr).toMatch(/libtorch .* sees .*: TORCHGRAFT_LIBTORCH=cuda npm run setup/)
}, 240_000)
