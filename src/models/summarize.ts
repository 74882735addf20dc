import { stat } from 'node:fs/promises'
import { isTrainingState } from '../runs/checkpoint-store.js'
import { modelFileAt } from '../runs/model-file-at.js'
import { METADATA_KEY, parseModelMetadata } from '../runs/model-metadata.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { type Check, checkFields, type Fields, required, integerField } from '../options/checks.js'
import { contentsOf } from './checkpoint-contents.js'
import { fileKind } from '../formats/file-kind.js'
import { PthFile } from '../formats/pth/pth.js'
import { readSafetensorsLayout } from '../formats/safetensors.js'
import { torchvisionNames } from './state-dict-names.js'
import { elements } from '../formats/tensor.js'
import { aPath, local, type LocalPath } from '../options/local-path.js'
import type { NativeEntry } from '../addon/binding.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { loadAddon } from '../addon/load.js'
import { noRegNetError } from './nearest-model.js'
import { recognizeVariant } from './recognize.js'
import type { Shaped } from './state-layout.js'
import { REGNET_VARIANTS, type RegNetVariant } from './variants.js'
import { foldedError } from '../formats/file-error.js'

export interface SummarizeOptions {
  /** A model file (.safetensors, .pth), a run folder, whose best one is taken, or the name of a variant where no file has it. */
  readonly model: LocalPath
  /** Height and width of the images: 1 to 8192. @default what a model file of torchgraft says, else 224 */
  readonly size?: number
  /** Outputs of the head. Of a file, no other number than its own. @default the file's, else 1000 */
  readonly classes?: number
  /** The first number of each shape. @default -1, which leaves it open: sizes in bytes are then those of one image */
  readonly batchSize?: number
}

export interface ModelSummary {
  readonly model: RegNetVariant
  readonly classes: number
  readonly size: number
  readonly batchSize: number
  /** In the order in which a forward pass ends them, containers left out. */
  readonly layers: readonly LayerSummary[]
  readonly parameters: number
  /** Of those, what training changes unless a session freezes it. */
  readonly trainable: number
  /** In float32. `activations` are the outputs of all layers with their gradients. */
  readonly bytes: { readonly input: number; readonly activations: number; readonly parameters: number }
}

export interface LayerSummary {
  /** Its type and its place, counted from 1: "Conv2d-1". */
  readonly name: string
  readonly type: LayerType
  /** Of its output: batch, channels, height, width; of the head: batch, classes. */
  readonly shape: readonly number[]
  /** Its own, without those of the layers inside it. */
  readonly parameters: number
}

export type LayerType = 'Conv2d' | 'BatchNorm2d' | 'ReLU' | 'AdaptiveAvgPool2d' | 'Sigmoid' | 'SqueezeExcitation' | 'ResBottleneckBlock' | 'Linear'

const FLOAT32 = 4

/**
 * Tells the layers of a model with their output shapes and parameters, and what a pass through it takes, without running
 * it or loading its weights: what Python's `torchsummary.summary` tells of torchvision's RegNets.
 *
 * @throws ERR_ARGUMENT, ERR_MODEL_UNKNOWN, ERR_STATE_DICT_MISMATCH, ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED
 */
export async function summarize(options: SummarizeOptions): Promise<ModelSummary> {
  checkFields<SummarizeOptions>(options, FIELDS, 'summarize')
  const { batchSize = -1, ...asked } = local(options)
  const found = await shapeOf(asked.model)
  const { model, classes = asked.classes ?? 1000 } = found
  if (asked.classes !== undefined && asked.classes !== classes) throw argumentError(`${classes}, which is what ${asked.model} has,`, 'classes', asked.classes)
  const size = asked.size ?? found.size ?? 224

  await setUpAtFirstUse()
  const entries = loadAddon().describe(model, classes)
  const layers = layersOf(entries, size, batchSize)
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0)
  const outputs = layers.reduce((sum, { shape }) => sum + Math.abs(elements(shape)), 0)
  const bytes = { input: Math.abs(batchSize) * 3 * size * size * FLOAT32, activations: outputs * 2 * FLOAT32, parameters: parameters * FLOAT32 }
  return { model, classes, size, batchSize, layers, parameters, trainable: parameters, bytes }
}

const openOrWhole: Check = (value, name) => {
  integerField({ min: -1, max: 65_536 })(value, name)
  if (value === 0) throw argumentError('-1 or an integer of at least 1', name, value)
}
const FIELDS: Fields<SummarizeOptions> = { model: required(aPath('a model file or the name of a variant')), size: integerField({ min: 1, max: 8192 }), classes: integerField({ min: 1, max: 1_000_000 }), batchSize: openOrWhole }

interface ModelShape {
  readonly model: RegNetVariant
  readonly classes?: number
  readonly size?: number | undefined
}

/** A file comes before a name, and a name before a folder: any may be called as a variant is. */
async function shapeOf(asked: string): Promise<ModelShape> {
  const found = await stat(asked).catch(() => undefined)
  if (found?.isFile()) return readShape(asked)
  const model = REGNET_VARIANTS.find((variant) => variant === asked)
  if (model) return { model }
  if (found) return readShape(await modelFileAt(asked))
  throw new TorchgraftError('ERR_MODEL_UNKNOWN', `${JSON.stringify(asked)} is neither a model file nor the name of a model. The models are ${REGNET_VARIANTS.join(', ')}`, { path: asked })
}

/** The tensors decide; metadata is asked for the size alone. */
async function readShape(path: string): Promise<ModelShape> {
  const { tensors, size } = await readLayout(path)
  await setUpAtFirstUse()
  const found = recognizeVariant(tensors)
  if (found) return { model: found.variant, classes: found.classes, size }
  throw noRegNetError(path, tensors)
}

interface FileShape {
  readonly tensors: ReadonlyMap<string, Shaped>
  readonly size?: number
}

async function readLayout(path: string): Promise<FileShape> {
  const kind = await fileKind(path)
  if (kind === 'onnx') throw foldedError(path)
  return kind === 'pth' ? readPth(path) : readSafetensorsShape(path)
}

async function readPth(path: string): Promise<FileShape> {
  await using file = await PthFile.open(path)
  return { tensors: contentsOf(file).model }
}

async function readSafetensorsShape(path: string): Promise<FileShape> {
  const { tensors, metadata } = await readSafetensorsLayout(path)
  const model = new Map(tensors.filter(({ name }) => !isTrainingState(name)).map((tensor) => [tensor.name, tensor]))
  const size = METADATA_KEY in metadata && { size: parseModelMetadata(path, metadata).metadata.size }
  return { tensors: torchvisionNames(model).tensors, ...size }
}

/** What a forward pass ends at each part that holds parameters, the part itself among them. */
const FORWARD: Readonly<Record<string, readonly LayerType[]>> = {
  'stem.0': ['Conv2d'],
  'stem.1': ['BatchNorm2d', 'ReLU'],
  'proj.0': ['Conv2d'],
  'proj.1': ['BatchNorm2d'],
  'f.a.0': ['Conv2d'],
  'f.a.1': ['BatchNorm2d', 'ReLU'],
  'f.b.0': ['Conv2d'],
  'f.b.1': ['BatchNorm2d', 'ReLU'],
  'f.se.fc1': ['AdaptiveAvgPool2d', 'Conv2d', 'ReLU'],
  'f.se.fc2': ['Conv2d', 'Sigmoid', 'SqueezeExcitation'],
  'f.c.0': ['Conv2d'],
  'f.c.1': ['BatchNorm2d', 'ReLU', 'ResBottleneckBlock'],
  'fc': ['AdaptiveAvgPool2d', 'Linear'],
}
const HOLDS_PARAMETERS: ReadonlySet<LayerType> = new Set(['Conv2d', 'BatchNorm2d', 'Linear'])

function layersOf(entries: readonly NativeEntry[], size: number, batchSize: number): LayerSummary[] {
  const layers: LayerSummary[] = []
  for (const { path, weight: [width = 0, inputs = 0], parameters } of partsOf(entries)) {
    const [, stage = '0', block, part = path] = /^trunk_output\.block(\d+)\.block\d+-(\d+)\.(.+)$/.exec(path) ?? []
    // The stem halves the image, and then the first block of each stage does, behind its f.a.
    const halvings = Number(stage) + (block === '0' && part.startsWith('f.a.') ? 0 : 1)
    const side = Math.ceil(size / 2 ** halvings)
    const output = (type: LayerType): readonly number[] => {
      if (type === 'Linear') return [width]
      if (type === 'AdaptiveAvgPool2d') return [inputs, 1, 1]
      return part.startsWith('f.se.') && type !== 'SqueezeExcitation' ? [width, 1, 1] : [width, side, side]
    }
    for (const type of FORWARD[part]!) {
      layers.push({ name: `${type}-${layers.length + 1}`, type, shape: [batchSize, ...output(type)], parameters: HOLDS_PARAMETERS.has(type) ? parameters : 0 })
    }
  }
  return layers
}

interface Part {
  readonly path: string
  readonly weight: readonly number[]
  readonly parameters: number
}

/** The modules that hold parameters, in state_dict order, which is that of a forward pass. */
function partsOf(entries: readonly NativeEntry[]): Iterable<Part> {
  const parts = new Map<string, Part>()
  for (const { name, shape } of entries.filter(({ trainable }) => trainable)) {
    const path = name.slice(0, name.lastIndexOf('.'))
    const { weight = shape, parameters = 0 } = parts.get(path) ?? {}
    parts.set(path, { path, weight, parameters: parameters + elements(shape) })
  }
  return parts.values()
}
