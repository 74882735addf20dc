import { readTorchCheckpoint, type ReadTorchOptions } from '../../../src/runs/torch-checkpoint.js'
import { DataLoader } from '../../../src/loader/data-loader.js'
import type { DataLoaderOptions } from '../../../src/loader/data-loader-options.js'
import { ImageFolder, type ImageFolderOptions } from '../../../src/datasets/image-folder.js'
import type { SplitOptions } from '../../../src/datasets/stratified-split.js'
import { evalTransform, trainTransform, type TrainTransformOptions } from '../../../src/augment/transforms.js'
import { dataStatistics, type DataStatisticsOptions } from '../../../src/explore/data-statistics.js'
import { overfit, type OverfitOptions } from '../../../src/explore/overfit.js'
import { preview, type PreviewOptions } from '../../../src/explore/preview.js'
import { resolveSessionOptions } from '../../../src/session/resolve-options.js'
import type { GradScalerOptions, LossOptions, OptimizerOptions, ParameterGroup, SessionOptions } from '../../../src/session/options.js'
import { Classifier, type ClassifierOptions } from '../../../src/inference/classifier.js'
import { evaluateModel, type EvaluateModelOptions } from '../../../src/inference/evaluate-model.js'
import { exportModel, type ExportOptions } from '../../../src/inference/export-model.js'
import { summarize, type SummarizeOptions } from '../../../src/inference/summarize.js'
import { EarlyStopping, type EarlyStoppingOptions } from '../../../src/train/early-stopping.js'
import { evaluate } from '../../../src/train/evaluate.js'
import { fit } from '../../../src/train/fit.js'
import type { FitOptions } from '../../../src/train/fit-options.js'
import type { TrainOptions } from '../../../src/recipes/options.js'
import { warmupCosine, type WarmupCosineOptions } from '../../../src/recipes/schedules.js'
import { train } from '../../../src/train/train.js'
import { workInEmptyFolder } from '../../helpers/files/empty-folder.js'
import { numberedDataset, numberedLoader } from '../../helpers/loader.js'
import { StandInSession } from '../../helpers/stand-in-session.js'

/** Of each kind of option, values that it must refuse. */
const WRONG = {
  whole: [null, Number.NaN, Infinity, -Infinity, 1.5, -2, 2 ** 60, '3', '', true, {}, [], () => 1, 1n],
  share: [null, Number.NaN, Infinity, -0.1, 1.1, '0.5', true, {}, [], () => 1, 1n],
  number: [null, Number.NaN, Infinity, -1, '3', '', true, {}, [1], () => 1, 1n],
  flag: [null, 0, 1, 'true', '', Number.NaN, {}, []],
  word: [null, '', 'nonsense', 'CPU', 3, Number.NaN, true, {}, []],
  text: [null, '', 3, Number.NaN, true, {}, ['a'], 'a\0b'],
  textOrNull: ['', 3, Number.NaN, true, {}, ['a'], 'a\0b'],
  texts: [null, '', 3, Number.NaN, {}, [3], ['']],
  lists: [null, '', 3, {}, ['a'], [[3]]],
  callback: [null, 3, '', 'f', {}, true],
  signal: [null, 3, '', {}, true, new AbortController()],
  thing: [null, 3, 'x', true],
  meanStd: [null, 3, '', 'other', {}, { mean: [0, 0, 0] }, { mean: [0, 0], std: [1, 1, 1] }, { mean: [0, 0, 0], std: [1, 0, 1] }, { mean: [0, 0, Number.NaN], std: [1, 1, 1] }],
  rgb: [null, 3, '', {}, [], [0, 0], [0, 0, Number.NaN], ['a', 'b', 'c']],
  range: [null, 3, '', {}, [], [1], [0, 1], [0.9, 0.5], [Number.NaN, 1]],
  side: [null, 0, 1, -1, Number.NaN, '', true, {}, []],
  betas: [null, 3, [], [0.9], [0.9, 1], [-0.1, 0.9], [Number.NaN, 0.9], ['a', 'b']],
  pattern: [null, 3, 'fc', {}],
  group: [null, 3, 'x', {}, [3], [null], [{}]],
  object: [null, 3, 'x', true, []],
  weights: [null, 3, 'x', {}, [-1, 1], [Number.NaN, 1], ['a', 'b']],
} as const satisfies Record<string, readonly unknown[]>
type Kind = keyof typeof WRONG

interface Door<T> {
  /** As messages call it. */
  readonly of: string
  readonly good: T
  /** Every option and its kind: the compiler asks for each. */
  readonly kinds: { readonly [Name in keyof T]-?: Kind }
  readonly call: (options: T) => unknown
  /** What stands before an option's name in messages. */
  readonly prefix?: string
}
const door = <T>(each: Door<T>): Door<unknown> => each as unknown as Door<unknown>

const SESSION = { model: 'regnet_y_400mf', classes: 2 } as const
const never = (): never => {
  throw new Error('native code was asked before the options were checked')
}
const session = (options: SessionOptions): Promise<unknown> =>
  resolveSessionOptions(options, { system: never, describe: never, multipliesBf16: never })
const computing = { device: 'word', precision: 'word', threads: 'whole', classes: 'texts', size: 'whole' } as const
const images = { recipe: 'word', val: 'side', seed: 'whole', size: 'whole', followLinks: 'flag', signal: 'signal', data: 'text' } as const
const dataset = await numberedDataset(1)
const loader = await numberedLoader(1)

const DOORS: readonly Door<unknown>[] = [
  door<TrainOptions>({
    of: 'train', good: { data: 'nowhere' }, call: train,
    kinds: {
      ...images, output: 'text', progressiveResizing: 'flag', model: 'word', weights: 'textOrNull', epochs: 'whole', batchSize: 'whole', lr: 'number', monitor: 'word', patience: 'whole', freeze: 'word', classWeights: 'word', meanStd: 'meanStd', sanitySteps: 'whole',
      device: 'word', precision: 'word', memoryFormat: 'word', kernels: 'word', cudnnBenchmark: 'flag', threads: 'whole', syncBatchNorm: 'flag', strictImages: 'flag', saveEveryMinutes: 'number', resume: 'flag', onEvent: 'callback', onProgress: 'callback',
    },
  }),
  door<OverfitOptions>({
    of: 'overfit', good: { data: 'nowhere' }, call: overfit,
    kinds: { ...images, model: 'word', weights: 'textOrNull', batchSize: 'whole', lr: 'number', freeze: 'word', meanStd: 'meanStd', device: 'word', precision: 'word', memoryFormat: 'word', threads: 'whole', strictImages: 'flag', steps: 'whole', onStart: 'callback', onStep: 'callback' },
  }),
  door<PreviewOptions>({ of: 'preview', good: { data: 'nowhere' }, call: preview, kinds: { ...images, output: 'text', count: 'whole', epoch: 'whole' } }),
  door<DataStatisticsOptions>({ of: 'dataStatistics', good: { data: 'nowhere' }, call: dataStatistics, kinds: { ...images, onProgress: 'callback' } }),
  door<SummarizeOptions>({ of: 'summarize', good: { model: 'nothing' }, call: summarize, kinds: { model: 'text', size: 'whole', classes: 'whole', batchSize: 'whole' } }),
  door<ExportOptions>({ of: 'exportModel', good: { model: 'nothing', format: 'pth' }, call: exportModel, kinds: { model: 'text', format: 'word', output: 'text', fp16: 'flag', classes: 'texts', size: 'whole' } }),
  door<EvaluateModelOptions>({ of: 'evaluate', good: { model: 'nothing', data: 'nowhere' }, call: evaluateModel, kinds: { ...computing, model: 'text', data: 'text', split: 'word', all: 'flag', signal: 'signal' } }),
  door<ClassifierOptions>({ of: 'Classifier.open', good: {}, call: (options) => Classifier.open('nothing', options), kinds: computing }),
  door<ReadTorchOptions>({ of: 'readTorchCheckpoint', good: {}, call: (options) => readTorchCheckpoint('nothing', options), kinds: { groups: 'lists' } }),
  door<SessionOptions>({
    of: 'Session.create', good: SESSION, call: session,
    kinds: { model: 'word', classes: 'whole', device: 'word', precision: 'word', scorePrecision: 'word', allowSlow: 'flag', memoryFormat: 'word', kernels: 'word', cudnnBenchmark: 'flag', threads: 'whole', cacheBytes: 'number', seed: 'whole', optimizer: 'object', scaler: 'object', loss: 'object', clipNorm: 'number', freeze: 'word' },
  }),
  door<OptimizerOptions>({ of: 'optimizer', prefix: 'optimizer.', good: {}, call: (optimizer) => session({ ...SESSION, optimizer }), kinds: { type: 'word', lr: 'number', betas: 'betas', eps: 'number', weightDecay: 'number', fused: 'flag', groups: 'group' } }),
  door<ParameterGroup>({ of: 'optimizer.groups', prefix: 'optimizer.groups[0].', good: { match: /x/ }, call: (group) => session({ ...SESSION, optimizer: { groups: [group] } }), kinds: { match: 'pattern', lrScale: 'number', weightDecay: 'number' } }),
  door<GradScalerOptions>({ of: 'scaler', prefix: 'scaler.', good: {}, call: (scaler) => session({ ...SESSION, scaler }), kinds: { initScale: 'number', growthFactor: 'number', backoffFactor: 'number', growthInterval: 'whole' } }),
  door<LossOptions>({ of: 'loss', prefix: 'loss.', good: {}, call: (loss) => session({ ...SESSION, loss }), kinds: { labelSmoothing: 'share', classWeights: 'weights' } }),
  door<DataLoaderOptions>({
    of: 'DataLoader', good: { batchSize: 1, size: 8, transform: evalTransform() }, call: (options) => new DataLoader(dataset, options),
    kinds: { batchSize: 'whole', size: 'whole', sizeAt: 'callback', transform: 'callback', mean: 'rgb', std: 'rgb', shuffle: 'flag', dropLast: 'flag', seed: 'whole', rngFor: 'callback', epochs: 'whole', cacheBytes: 'number', prefetch: 'whole', strict: 'flag', rank: 'whole', worldSize: 'whole' },
  }),
  door<{ readonly from?: number; readonly signal?: AbortSignal }>({ of: 'epoch', good: {}, call: (options) => loader.epoch(0, options).next(), kinds: { from: 'whole', signal: 'signal' } }),
  door<ImageFolderOptions>({ of: 'ImageFolder.open', good: {}, call: (options) => ImageFolder.open('nowhere', options), kinds: { followLinks: 'flag', within: 'texts', classes: 'texts', signal: 'signal' } }),
  door<TrainTransformOptions>({ of: 'trainTransform', good: {}, call: trainTransform, kinds: { flip: 'share', crop: 'range', ratio: 'range' } }),
  door<{ readonly resize?: number }>({ of: 'evalTransform', good: {}, call: evalTransform, kinds: { resize: 'number' } }),
  door<EarlyStoppingOptions>({ of: 'EarlyStopping', good: {}, call: (options) => new EarlyStopping(options), kinds: { patience: 'whole', minDelta: 'number', mode: 'word' } }),
  door<WarmupCosineOptions>({ of: 'warmupCosine', good: { lr: 1, steps: 5 }, call: warmupCosine, kinds: { lr: 'number', steps: 'whole', warmup: 'whole', min: 'number' } }),
  door<{ readonly signal?: AbortSignal }>({ of: 'evaluate', good: {}, call: (options) => evaluate(new StandInSession(), loader, options), kinds: { signal: 'signal' } }),
  door<FitOptions>({
    of: 'fit', good: { train: loader, val: loader, epochs: 1 }, call: (options) => fit(new StandInSession(), options).next(),
    kinds: { train: 'thing', val: 'thing', epochs: 'whole', schedule: 'callback', monitor: 'word', earlyStopping: 'thing', checkpoints: 'thing', saveEveryMinutes: 'number', origin: 'thing', settings: 'thing', notes: 'texts', resume: 'thing', signal: 'signal' },
  }),
]
/** Kinds whose values an option takes besides. */
const TAKES: Readonly<Record<string, readonly unknown[]>> = { patience: [null] }

const folder = workInEmptyFolder()
afterEach(async () => expect(await folder.contents()).toEqual([])) // whatever is refused is refused before anything is written

async function outcome({ call }: Door<unknown>, options: unknown): Promise<{ name?: string; code?: string; message?: string }> {
  try {
    await call(options)
    return { message: 'it was taken' }
  } catch (error) {
    return error as { message: string }
  }
}

const refusal = (message: RegExp): unknown => expect.objectContaining({ name: 'TorchgraftError', code: expect.stringMatching(/^ERR_(?:ARGUMENT|MODEL_UNKNOWN)$/), message: expect.stringMatching(message) })
const escaped = (text: string): string => text.replace(/[[\].]/g, '\\$&')

describe.each(DOORS.map((each) => [each.prefix ?? each.of, each] as const))('%s', (_, each) => {
  const { of, good, kinds, prefix = '' } = each
  const options: [string, Kind][] = Object.entries(kinds)

  test.each(options)('%s refuses whatever is no %s, in one line that names it', async (name, kind) => {
    for (const wrong of WRONG[kind]) {
      if (TAKES[name]?.includes(wrong)) continue
      const error = await outcome(each, { ...(good as object), [name]: wrong })
      const expected = name === 'model' && kind === 'word' ? /^There is no model/ : new RegExp(`^Expected [^\\n]+ for ${escaped(prefix + name)}[^\\n]* but received [^\\n]*$`)
      expect([name, wrong, error]).toEqual([name, wrong, refusal(expected)])
    }
  })

  test.each(options)('%s, misspelt, is told which was meant', async (name) => {
    const misspelt = `${name.slice(0, -1)}${name.at(-1)}${name.at(-1)}`
    expect(await outcome(each, { ...(good as object), [misspelt]: undefined })).toEqual(refusal(new RegExp(`^There is no option "${escaped(prefix)}${misspelt}" of ${escaped(of)}\\. Did you mean ${name}\\?$`)))
  })

  test('its options are an object', async () => {
    for (const wrong of [null, 3, 'x', true, []]) expect(await outcome(each, wrong)).toEqual(refusal(/^Expected an object for [^\n]+ but received [^\n]+$/))
  })

  test('what must be there is missed by name', async () => {
    for (const name of Object.keys(good as object).filter((needed) => !(of === 'train' && needed === 'data'))) {
      const { [name]: _gone, ...rest } = good as Record<string, unknown>
      expect(await outcome(each, rest)).toEqual(refusal(name === 'model' && of === 'Session.create' ? /^There is no model/ : new RegExp(`^Expected [^\\n]+ for ${escaped(prefix + name)}[^\\n]* but received undefined$`)))
    }
  })
})

test('train without data is missed by name, after its options', async () => {
  await expect(train({})).rejects.toEqual(refusal(/^Expected a folder of images for data but received undefined$/))
})

test('the split of a folder', async () => {
  const fields: Record<keyof SplitOptions, Kind> = { val: 'side', seed: 'whole' }
  const split = (options: unknown): unknown => ImageFolder.prototype.split.call({ items: [] }, options as SplitOptions)
  for (const [name, kind] of Object.entries(fields)) {
    for (const wrong of WRONG[kind]) expect(() => split({ val: 0.5, [name]: wrong })).toThrow(refusal(new RegExp(`for ${name} but received`)) as Error)
  }
})

test('numbers that are almost right are told their range', () => {
  expect(() => new DataLoader(dataset, { batchSize: 65_537, size: 8, transform: evalTransform() })).toThrow('Expected an integer from 1 to 65536 for batchSize but received 65537')
  expect(() => warmupCosine({ lr: 1, steps: 0 })).toThrow('Expected an integer of at least 1 for steps but received 0')
})
