import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { readFile } from 'node:fs/promises'
import { train } from '../../src/train/train.js'
import { ROOT } from '../helpers/processes/child.js'
import { findPython } from '../helpers/processes/python.js'
import { skip } from '../helpers/skip.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { expectParity, processor } from './rows.js'

/** From here on torchvision resizes by the kernel whose roundings are followed. */
const SIZE = 96
const BATCH = 8
const STEPS = 50
/** Relative, of each loss. */
const TOLERANCE = 1e-3

interface Split { readonly type: 'split'; readonly train: number; readonly val: number; readonly classes: string[]; readonly mean: number[]; readonly std: number[] }
interface Loss { readonly type: 'sanity' | 'step'; readonly loss: number }

const data = fileURLToPath(new URL('../../samples/campus', import.meta.url))
const weights = join(ROOT, 'weights', 'regnet_y_400mf-tiny-imagenet.safetensors')
const python = findPython()

async function runNotebook(python: string, ...options: readonly string[]): Promise<(Split | Loss)[]> {
  const { stdout } = await promisify(execFile)(python, [join(ROOT, 'bench', 'notebook.py'), data, ...options], { maxBuffer: 1 << 26 })
  return stdout.trim().split('\n').map((line) => JSON.parse(line) as Split | Loss)
}

if (!python) skip('the notebook’s training beside Python’s', 'no Python with torch, torchvision, safetensors and numpy: name one as TORCHGRAFT_PYTHON')
else test('50 steps of the notebook’s recipe, after its sanity check, have the notebook’s losses', async () => {
  await using folder = await temporaryFolder()
  const output = join(folder.path, 'run')
  const told = await runNotebook(python, '--model', 'regnet_y_400mf', '--weights', weights, '--size', `${SIZE}`, '--batch-size', `${BATCH}`, '--threads', '2', '--steps', `${STEPS}`, '--sanity-steps', '5', '--seed', '3')
  const split = told[0] as Split
  const lossesOf = (type: Loss['type']): number[] => told.flatMap((event) => (event.type === type ? [event.loss] : []))

  const controller = new AbortController()
  const losses: number[] = []
  const sanity: number[] = []
  await expect(train({
    data, output, recipe: 'notebook', model: 'regnet_y_400mf', size: SIZE, batchSize: BATCH, threads: 2, sanitySteps: 5, seed: 3, device: 'cpu', signal: controller.signal,
    onProgress: ({ what, loss }) => void (what === 'sanity check' && sanity.push(loss!)),
    onEvent: (event) => {
      if (event.type === 'step' && losses.push(event.loss) === STEPS) controller.abort()
    },
  })).rejects.toMatchObject({ name: 'AbortError' })

  const { seed, classes, train: learned, val } = JSON.parse(await readFile(join(output, 'split.json'), 'utf8')) as { seed: number; classes: string[]; train: unknown[]; val: unknown[] }
  expect({ seed, classes, train: learned.length, val: val.length }).toEqual({
    seed: 1999, classes: split.classes, train: split.train, val: split.val,
  })
  const { mean, std } = JSON.parse(await readFile(join(output, 'config.json'), 'utf8')) as { mean: number[]; std: number[] }
  expectParity(
    'notebook: mean and std, computed',
    Math.max(...mean.map((part, c) => Math.abs(part - split.mean[c]!)), ...std.map((part, c) => Math.abs(part - split.std[c]!))),
    1e-5,
  )
  const furthest = (ours: readonly number[], theirs: readonly number[]): number =>
    Math.max(...theirs.map((loss, i) => Math.abs(loss - (ours[i] ?? Infinity)) / loss))
  process.stderr.write(`parity of the notebook: ${processor()}\n`)
  expectParity('notebook: losses of the sanity check', furthest(sanity, lossesOf('sanity')), TOLERANCE)
  expectParity(`notebook: ${STEPS} losses`, furthest(losses, lossesOf('step')), TOLERANCE)
}, 300_000)
