import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CheckpointStore } from '../../../src/runs/checkpoint-store.js'
import { readTorchCheckpoint, writeTorchCheckpoint } from '../../../src/runs/torch-checkpoint.js'
import { ImageFolder } from '../../../src/datasets/image-folder.js'
import { dataStatistics } from '../../../src/explore/data-statistics.js'
import { overfit } from '../../../src/explore/overfit.js'
import { preview } from '../../../src/explore/preview.js'
import { readSafetensors, writeSafetensors } from '../../../src/formats/safetensors.js'
import { float32Tensor } from '../../../src/formats/tensor.js'
import { Classifier } from '../../../src/inference/classifier.js'
import { evaluateModel } from '../../../src/inference/evaluate-model.js'
import { exportModel } from '../../../src/inference/export-model.js'
import { inspectFile } from '../../../src/inference/inspect.js'
import { summarize } from '../../../src/inference/summarize.js'
import { checkTrainOptions } from '../../../src/train/options/checks.js'
import { runStatus } from '../../../src/train/resume/status.js'
import { train } from '../../../src/train/train.js'
import { oneImage } from '../../helpers/loader.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

/** Wherever the library takes a path: how the path gets there, and its name. */
const DOORS: Readonly<Record<string, readonly [name: string, call: (path: never) => unknown]>> = {
  'inspectFile': ['file', (path) => inspectFile(path)],
  'runStatus': ['folder', (path) => runStatus(path)],
  'ImageFolder.open': ['root', (path) => ImageFolder.open(path)],
  'ImageFolder.open, within': ['within', (path) => ImageFolder.open('x', { within: path })],
  'Classifier.open': ['file', (path) => Classifier.open(path)],
  'exportModel': ['model', (path) => exportModel({ model: path, format: 'pth' })],
  'exportModel, its output': ['output', (path) => exportModel({ model: 'x', format: 'pth', output: path })],
  'evaluateModel': ['model', (path) => evaluateModel({ model: path, data: 'x' })],
  'evaluateModel, its data': ['data', (path) => evaluateModel({ model: 'x', data: path })],
  'summarize': ['model', (path) => summarize({ model: path })],
  'train': ['data', (path) => train({ data: path })],
  'train, its output': ['output', (path) => train({ data: 'x', output: path })],
  'train, its weights': ['weights', (path) => train({ data: 'x', weights: path })],
  'train, its val': ['val', (path) => train({ data: 'x', val: path })],
  'dataStatistics': ['data', (path) => dataStatistics({ data: path })],
  'overfit': ['data', (path) => overfit({ data: path })],
  'preview': ['data', (path) => preview({ data: path })],
  'preview, its output': ['output', (path) => preview({ data: 'x', output: path })],
  'CheckpointStore.open': ['folder', (path) => CheckpointStore.open(path)],
  'readSafetensors': ['path', (path) => readSafetensors(path)],
  'writeSafetensors': ['path', (path) => writeSafetensors(path, new Map())],
  'readTorchCheckpoint': ['path', (path) => readTorchCheckpoint(path)],
  'writeTorchCheckpoint': ['path', (path) => writeTorchCheckpoint(path, { model: new Map() })],
}

test.each(Object.entries(DOORS))('%s refuses addresses by name, since nothing is fetched', async (_, [name, call]) => {
  for (const address of ['https://example.org/x.png', 's3://bucket/x.png', 'hf://org/x.png', new URL('https://example.org/x.png'), 'file://elsewhere/x.png']) {
    const end = await (async () => call(address as never))().then(() => 'it was taken', (error: unknown) => error)
    expect([address, end]).toEqual([address, expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(new RegExp(`^Expected .* for ${name} but received .*//.*$`)) })])
  }
})

test('file: URLs are taken where paths are, and found there', async () => {
  await using folder = await temporaryFolder()
  const url = (name: string): URL => pathToFileURL(join(folder.path, name))
  for (const label of ['a', 'b']) {
    await mkdir(join(folder.path, 'my data', label), { recursive: true })
    await writeFile(join(folder.path, 'my data', label, '1.png'), await oneImage())
  }
  expect((await ImageFolder.open(url('my data'))).length).toBe(2)
  expect((await ImageFolder.open(url('my data').href, { within: [url('my data')] })).length).toBe(2)
  const tensors = new Map([['fc.bias', float32Tensor([1], Float32Array.of(3))]])
  await writeSafetensors(url('x y.safetensors'), tensors)
  expect([...(await readSafetensors(url('x y.safetensors'))).tensors.keys()]).toEqual(['fc.bias'])
  await writeTorchCheckpoint(url('x.pth'), { model: tensors })
  expect([...(await readTorchCheckpoint(url('x.pth'))).model.keys()]).toEqual(['fc.bias'])
  expect((await CheckpointStore.open(url('runs/a b'))).folder).toBe(join(folder.path, 'runs/a b'))
  expect(checkTrainOptions({ val: url('my data'), weights: url('x y.safetensors') })).toMatchObject({ val: join(folder.path, 'my data'), weights: join(folder.path, 'x y.safetensors') })
  await expect(Classifier.open(url('none.safetensors'))).rejects.toMatchObject({ message: `There is no file ${join(folder.path, 'none.safetensors')}` })
})
