import { CheckpointStore } from '../../../src/runs/checkpoint-store.js'
import { readTorchCheckpoint, writeTorchCheckpoint } from '../../../src/runs/torch-checkpoint.js'
import { DataLoader } from '../../../src/loader/data-loader.js'
import { ImageFolder } from '../../../src/datasets/image-folder.js'
import { compose, evalTransform } from '../../../src/augment/transforms.js'
import { readSafetensors, writeSafetensors } from '../../../src/formats/safetensors.js'
import { AverageMeter } from '../../../src/metrics/average-meter.js'
import { toNative } from '../../../src/session/to-native.js'
import { Classifier } from '../../../src/inference/classifier.js'
import { inspectFile } from '../../../src/inference/inspect.js'
import { EarlyStopping } from '../../../src/train/early-stopping.js'
import { evaluate } from '../../../src/train/evaluate.js'
import { fit } from '../../../src/train/fit.js'
import { runStatus } from '../../../src/train/resume/status.js'
import { constant } from '../../../src/recipes/schedules.js'
import { workInEmptyFolder } from '../../helpers/files/empty-folder.js'
import { numberedLoader } from '../../helpers/loader.js'
import { StandInSession } from '../../helpers/stand-in-session.js'

/** One of each kind of value. */
const VALUES: Readonly<Record<string, unknown>> = {
  undefined: undefined, null: null, NaN: Number.NaN, Infinity, negative: -1, fraction: 1.5, true: true, empty: '', 'a null character': 'x\0y',
  object: {}, array: [], 'array of numbers': [-1], map: new Map([['a', 3]]), function: () => 1, bigint: 1n, symbol: Symbol('x'),
}
const NUMBERS = ['NaN', 'Infinity', 'negative', 'fraction']

interface Argument {
  /** As messages call it. */
  readonly name: string
  readonly pass: (value: never) => unknown
  /** Kinds of value that it takes. */
  readonly takes?: readonly string[]
}

const loader = await numberedLoader(1)
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with a folder of its own
const { subset } = ImageFolder.prototype
const images = { items: [{ path: 'a/b.png', label: 0, hash: '' }], length: 1 } as unknown as ImageFolder
const tensors = new Map()
const NO_FILES = { name: 'path' }

const ARGUMENTS: Readonly<Record<string, Argument>> = {
  'AverageMeter.update, its value': { name: 'value', pass: (value) => new AverageMeter().update(value), takes: NUMBERS },
  'AverageMeter.update, its count': { name: 'count', pass: (value) => new AverageMeter().update(1, value), takes: ['undefined', 'fraction'] },
  'EarlyStopping.update': { name: 'value', pass: (value) => new EarlyStopping().update(value), takes: NUMBERS },
  'EarlyStopping.restore': { name: 'EarlyStopping.restore|best', pass: (value) => new EarlyStopping().restore(value) },
  'constant': { name: 'lr', pass: constant, takes: ['fraction'] },
  'the session of fit': { name: 'session', pass: (value) => fit(value, { train: loader, val: loader, epochs: 1 }).next() },
  'the session of evaluate': { name: 'session', pass: (value) => evaluate(value, loader) },
  'the loader of evaluate': { name: 'loader', pass: (value) => evaluate(new StandInSession(), value) },
  'the data set of DataLoader': { name: 'dataset', pass: (value) => new DataLoader(value, { batchSize: 1, size: 8, transform: evalTransform() }), takes: ['map'] },
  'DataLoader.epoch': { name: 'epoch', pass: (value) => loader.epoch(value).next() },
  'ImageFolder.open': { name: 'root', pass: (value) => ImageFolder.open(value) },
  'ImageFolder.subset': { name: 'indices', pass: (value) => subset.call(images, value), takes: ['array'] },
  'compose': { name: 'transforms', pass: (value) => compose(value), takes: ['function'] },
  'CheckpointStore.open': { name: 'folder', pass: (value) => CheckpointStore.open(value) },
  'Classifier.open': { name: 'file', pass: (value) => Classifier.open(value) },
  'inspectFile': { name: 'file', pass: inspectFile },
  'runStatus': { name: 'folder', pass: runStatus },
  'readTorchCheckpoint': { ...NO_FILES, pass: (value) => readTorchCheckpoint(value) },
  'writeTorchCheckpoint, its path': { ...NO_FILES, pass: (value) => writeTorchCheckpoint(value, { model: tensors }) },
  'writeTorchCheckpoint, its contents': { name: 'writeTorchCheckpoint|model', pass: (value) => writeTorchCheckpoint('file', value) },
  'readSafetensors': { ...NO_FILES, pass: (value) => readSafetensors(value) },
  'writeSafetensors, its path': { ...NO_FILES, pass: (value) => writeSafetensors(value, tensors) },
  'writeSafetensors, its tensors': { name: 'tensors', pass: (value) => writeSafetensors('file', value) },
  'writeSafetensors, its metadata': { name: 'metadata', pass: (value) => writeSafetensors('file', tensors, value), takes: ['undefined', 'object', 'map', 'function'] },
  'the batch of a step': { name: 'batch', pass: toNative },
}

const folder = workInEmptyFolder()

async function outcome(pass: Argument['pass'], value: unknown): Promise<unknown> {
  try {
    await pass(value as never)
    return { message: 'it was taken' }
  } catch (error) {
    return error
  }
}

test.each(Object.entries(ARGUMENTS))('%s refuses what it cannot take, in one line that names it, with nothing written', async (_, { name, pass, takes = [] }) => {
  for (const [kind, value] of Object.entries(VALUES)) {
    if (takes.includes(kind)) continue
    const message = expect.stringMatching(new RegExp(`^Expected [^\\n]* for [^\\n]*(?:${name})[^\\n]* but received [^\\n]*$`))
    expect([kind, await outcome(pass, value)]).toEqual([kind, expect.objectContaining({ name: 'TorchgraftError', code: 'ERR_ARGUMENT', message })])
  }
  expect(await folder.contents()).toEqual([])
})

test('a tensor whose bytes are not those of its shape is refused by its name', async () => {
  const short = new Map([['fc.bias', { dtype: 'float32', shape: [3], data: new Uint8Array(8) }]] as const)
  await expect(writeSafetensors('file', short)).rejects.toThrow('Expected 12 bytes, as float32 [3] has, for tensors.get("fc.bias").data but received 8')
})

test('an optimizer whose moments are not there is refused by what is missing', async () => {
  const optimizer = { type: 'adam', betas: [0.9, 0.999], eps: 1e-8, groups: [{ lr: 1, weightDecay: 0, parameters: ['fc.bias'] }] } as const
  await expect(writeTorchCheckpoint('file', { model: tensors, training: new Map(), optimizer })).rejects.toMatchObject({ code: 'ERR_STATE_DICT_MISMATCH', message: expect.stringContaining('optimizer.step.fc.bias') as string })
})
