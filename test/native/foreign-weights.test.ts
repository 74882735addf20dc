import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspectFile } from '../../src/inference/inspect.js'
import { type Picklable } from '../../src/formats/pth/pickle-writer.js'
import { writePth } from '../../src/formats/pth/pth-writer.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.js'
import { byteLength, type StateDict, type Tensor } from '../../src/formats/tensor.js'
import { loadAddon } from '../../src/addon/load.js'
import { describeNearest } from '../../src/models/nearest-model.js'
import { Session } from '../../src/session/session.js'
import type { Shaped } from '../../src/models/state-layout.js'
import type { ModelName } from '../../src/models/catalogue.js'
import { Classifier } from '../../src/inference/classifier.js'
import { exportModel } from '../../src/inference/export-model.js'
import { openModel } from '../../src/inference/open-model.js'
import { summarize } from '../../src/inference/summarize.js'
import { beginModel, openInitialWeights } from '../../src/models/weights/initial-weights.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const CLASSES = ['ant', 'bee', 'cat']
const MODEL = 'regnet_y_400mf'

const shapesOf = (variant: ModelName, classes = CLASSES.length): Map<string, Shaped> =>
  new Map(loadAddon().describe(variant, classes).tensors.map(({ name, dtype, shape }) => [name, { dtype, shape }]))
const renamed = <T>(tensors: ReadonlyMap<string, T>, to: (name: string) => string | undefined): Map<string, T> =>
  new Map([...tensors].flatMap(([name, tensor]) => {
  const other = to(name)
  return other === undefined ? [] : [[other, tensor] as const]
}))
const head = (name: string): boolean => name.startsWith('fc.')
const inSequential = (name: string): string => name.replace(/^fc\./, 'fc.1.')

/** What timm calls them. */
const timm = (name: string): string => name
  .replace(/^trunk_output\.block(\d)\.block\d-(\d+)\./, (_, stage: string, block: string) => `s${stage}.b${Number(block) + 1}.`)
  .replace(/^stem\.0\./, 'stem.conv.').replace(/^stem\.1\./, 'stem.bn.').replace('.proj.0.', '.downsample.conv.').replace('.proj.1.', '.downsample.bn.')
  .replace(/\.f\.([abc])\.0\./, (_, part: string) => `.conv${'abc'.indexOf(part) + 1}.conv.`).replace(/\.f\.([abc])\.1\./, (_, part: string) => `.conv${'abc'.indexOf(part) + 1}.bn.`)
  .replace('.f.se.', '.se.').replace(/^fc\./, 'head.fc.')

describe('of weights that fit no model it is told what is nearest', () => {
  const whole = (): Map<string, Shaped> => shapesOf(MODEL)

  test.each<[string, () => Map<string, Shaped>, RegExp]>([
    ['a head in a Sequential', () => renamed(whole(), inSequential), /^nearest is regnet_y_400mf, but it has fc\.1\.weight where fc\.weight is expected, fc\.1\.bias where fc\.bias is expected \(in Python: \{k\.replace\("fc\.1\.", "fc\."\)/],
    ['a head of another name', () => renamed(whole(), (name) => name.replace(/^fc\./, 'classifier.')), /it has classifier\.weight where fc\.weight is expected/],
    ['no head', () => renamed(whole(), (name) => (head(name) ? undefined : name)), /^nearest is regnet_y_400mf, but it has no head \(fc\.weight, fc\.bias\)$/],
    ['half a head', () => renamed(whole(), (name) => (name === 'fc.bias' ? undefined : name)), /it has no fc\.bias$/],
    ['no stem', () => renamed(whole(), (name) => (name.startsWith('stem.1.') ? undefined : name)), /it has no stem\.1\.weight, stem\.1\.bias, stem\.1\.running_mean, stem\.1\.running_var, and 1 more$/],
    ['more than a model', () => new Map([...whole(), ['criterion.weight', { dtype: 'float32', shape: [3] }]]), /it has criterion\.weight besides$/],
    ['a stem for grey images', () => new Map([...whole(), ['stem.0.weight', { dtype: 'float32', shape: [32, 1, 3, 3] }]]), /stem\.0\.weight is float32 \[32, 1, 3, 3\] where float32 \[32, 3, 3, 3\] is expected$/],
    ['no head, of another variant', () => renamed(shapesOf('regnet_x_800mf'), (name) => (head(name) ? undefined : name)), /^nearest is regnet_x_800mf, but it has no head/],
    ['a ResNet', () => new Map([['module.layer1.0.conv1.weight', { dtype: 'float32', shape: [1] }]]), /^its names are those of a ResNet$/],
    ['a Vision Transformer', () => new Map([['blocks.0.attn.qkv.weight', { dtype: 'float32', shape: [1] }]]), /Vision Transformer$/],
    ['pycls’s RegNet, whose images are BGR', () => new Map([['s1.b1.f.a_bn.weight', { dtype: 'float32', shape: [1] }]]), /pycls.*BGR/],
    ['what nobody knows', () => new Map([['a', { dtype: 'float32', shape: [1] }], ['n'.repeat(100_000), { dtype: 'float32', shape: [1] }]]), /^its names are a, n{99}…$/],
  ])('%s', (_, tensors, message) => {
    expect(describeNearest(tensors())).toMatch(message)
  })
})

describe('weights of others, under names and in files as people have them', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let state: StateDict
  const at = (name: string): string => join(folder.path, name)

  beforeAll(async () => {
    folder = await temporaryFolder()
    await using session = await Session.create({ model: MODEL, classes: CLASSES.length, device: 'cpu', precision: 'fp32', seed: 3 })
    state = await session.stateDict()
    await writeSafetensors(at('timm.safetensors'), renamed(state, timm), { format: 'pt' })
    await writeSafetensors(at('module.safetensors'), renamed(state, (name) => `module.${name}`))
    await writeSafetensors(at('wrong-ending.pth'), state)
    await writePth(at('model_best.pth.tar'), new Map<string, Picklable>([['epoch', 3], ['state_dict', renamed(state, (name) => `_orig_mod.module.${name}`)]]))
    await writePth(at('weights'), state)
    await writePth(at('no-head.pth'), renamed(state, (name) => (head(name) ? undefined : name)))
    await writePth(at('sequential.pth'), renamed(state, inSequential))
    await writePth(at('resnet.pth'), new Map([['layer1.0.conv1.weight', state.get('fc.bias')!]]))
  }, 120_000)
  afterAll(() => folder[Symbol.asyncDispose]())

  const GOOD = ['timm.safetensors', 'module.safetensors', 'wrong-ending.pth', 'model_best.pth.tar', 'weights']

  test.each(GOOD)('%s: training begins from it, predicting, summary and inspect read it', async (name) => {
    const { session: opened, metadata } = await openModel(at(name), { classes: CLASSES, device: 'cpu', precision: 'fp32' })
    await using session = opened
    expect(metadata).toMatchObject({ model: MODEL, classes: CLASSES })
    expect(same(await session.stateDict(), state)).toBe(true)
    await using weights = await openInitialWeights(at(name))
    await using fresh = await Session.create({ model: MODEL, classes: CLASSES.length, device: 'cpu', precision: 'fp32', seed: 4 })
    expect((await beginModel(fresh, weights, CLASSES)).at(-1)).toMatch(/^The head is taken from/)
    expect(same(await fresh.stateDict(), state)).toBe(true)
    expect(await summarize({ model: at(name) })).toMatchObject({ model: MODEL, classes: 3 })
    expect(await inspectFile(at(name))).toMatchObject({ fits: { variant: MODEL, classes: 3 }, nearest: null })
  }, 60_000)

  test.each(GOOD)('%s is exported by torchvision’s names', async (name) => {
    const { file, notes } = await exportModel({ model: at(name), format: 'safetensors', output: at(`${name}.exported`) })
    expect(same((await readSafetensors(file)).tensors, state)).toBe(true)
    expect(notes.length).toBe(['wrong-ending.pth', 'weights'].includes(name) ? 0 : 1)
  })

  test('what model_best.pth.tar is exported to is named model_best', async () => {
    await rename(await exportModel({ model: at('model_best.pth.tar'), format: 'pth' }).then(({ file }) => file), at('checked.pth'))
    expect((await exportModel({ model: at('model_best.pth.tar'), format: 'pth' })).file).toBe(at('model_best.pth'))
  })

  test('weights without a head are trained with a new one, and cannot predict', async () => {
    await using weights = await openInitialWeights(at('no-head.pth'))
    await using session = await Session.create({ model: MODEL, classes: 2, device: 'cpu', precision: 'fp32' })
    expect(await beginModel(session, weights, ['a', 'b'])).toContain('The head (the last layer) is new, for 2 classes.')
    await expect(Classifier.open(at('no-head.pth'), { classes: CLASSES })).rejects.toMatchObject({
      code: 'ERR_STATE_DICT_MISMATCH', message: expect.stringContaining('it has no head') as string,
    })
  })

  test.each([
    ['sequential.pth', MODEL, /sequential do not fit regnet_y_400mf: it has fc\.1\.weight where fc\.weight is expected/],
    ['resnet.pth', MODEL, /resnet do not fit regnet_y_400mf: its names are those of a ResNet/],
    ['weights', 'regnet_y_800mf', /they look like those of regnet_y_400mf: choose model: 'regnet_y_400mf'/],
    ['no-head.pth', 'regnet_y_800mf', /choose model: 'regnet_y_400mf'/],
  ] as const)('training from %s by %s is refused with what is nearest', async (name, model, message) => {
    await using weights = await openInitialWeights(at(name))
    await using session = await Session.create({ model, classes: 2, device: 'cpu', precision: 'fp32' })
    await expect(beginModel(session, weights, ['a', 'b'])).rejects.toMatchObject({
      code: 'ERR_STATE_DICT_MISMATCH', message: expect.stringMatching(message) as string,
    })
  })

  test('what is no model is told of as what it is, wherever one is opened', async () => {
    await writeFile(at('pointer.pth'), 'version https://git-lfs.github.com/spec/v1\n')
    const expected = { code: 'ERR_FILE_FORMAT', message: expect.stringContaining('git lfs pull') as string }
    await expect(openInitialWeights(at('pointer.pth'))).rejects.toMatchObject(expected)
    await expect(Classifier.open(at('pointer.pth'))).rejects.toMatchObject(expected)
    await expect(summarize({ model: at('pointer.pth') })).rejects.toMatchObject(expected)
    await expect(inspectFile(at('pointer.pth'))).rejects.toMatchObject(expected)
    await expect(exportModel({ model: at('pointer.pth'), format: 'onnx' })).rejects.toMatchObject(expected)
    await expect(openInitialWeights(folder.path)).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT', message: expect.stringContaining('it is a folder without a best.safetensors') as string,
    })
  })
})

/** The same tensors, in whatever order. */
function same(a: StateDict, b: StateDict): boolean {
  const equal = (x: Tensor | undefined, y: Tensor): boolean =>
    x !== undefined && x.data.length === byteLength(y.dtype, y.shape) && Buffer.from(x.data).equals(y.data)
  return a.size === b.size && [...b].every(([name, tensor]) => equal(a.get(name), tensor))
}
