import { stat } from 'node:fs/promises'
import { isTrainingState } from '../runs/checkpoint-store.js'
import { modelFileAt } from '../runs/model-file-at.js'
import { METADATA_KEY, parseModelMetadata } from '../runs/model-metadata.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { type Check, checkFields, type Fields, required, integerField } from '../options/checks.js'
import { contentsOf } from '../models/checkpoint-contents.js'
import { fileKind } from '../formats/file-kind.js'
import { PthFile } from '../formats/pth/pth.js'
import { readSafetensorsLayout } from '../formats/safetensors.js'
import { torchvisionNames } from '../models/state-dict-names.js'
import { elements } from '../formats/tensor.js'
import { aPath, local, type LocalPath } from '../options/local-path.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { loadAddon } from '../addon/load.js'
import { noModelError } from '../models/nearest-model.js'
import { type LayerSummary, layersOf } from '../models/layer-summary.js'
import { recognizeVariant } from '../models/recognize.js'
import type { Shaped } from '../models/state-layout.js'
import { MODEL_NAMES, type ModelName } from '../models/catalogue.js'
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
  readonly model: ModelName
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

const FLOAT32 = 4

/**
 * Tells the layers of a model with their output shapes and parameters, and what a pass through it takes, without running
 * it or loading its weights: what Python's `torchsummary.summary` prints of torchvision's models.
 *
 * @throws ERR_ARGUMENT, ERR_MODEL_UNKNOWN, ERR_STATE_DICT_MISMATCH, ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED
 */
export async function summarize(options: SummarizeOptions): Promise<ModelSummary> {
  checkFields<SummarizeOptions>(options, FIELDS, 'summarize')
  const { batchSize = -1, ...asked } = local(options)
  const found = await shapeOf(asked.model)
  const { model, classes = asked.classes ?? 1000 } = found
  if (asked.classes !== undefined && asked.classes !== classes)
    throw argumentError(`${classes}, which is what ${asked.model} has,`, 'classes', asked.classes)
  const size = asked.size ?? found.size ?? 224

  await setUpAtFirstUse()
  const layers = layersOf(loadAddon().describe(model, classes), size, batchSize)
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0)
  const outputs = layers.reduce((sum, { shape }) => sum + Math.abs(elements(shape)), 0)
  const input = Math.abs(batchSize) * 3 * size * size
  const bytes = { input: input * FLOAT32, activations: outputs * 2 * FLOAT32, parameters: parameters * FLOAT32 }
  return { model, classes, size, batchSize, layers, parameters, trainable: parameters, bytes }
}

const openOrWhole: Check = (value, name) => {
  integerField({ min: -1, max: 65_536 })(value, name)
  if (value === 0) throw argumentError('-1 or an integer of at least 1', name, value)
}
const FIELDS: Fields<SummarizeOptions> = {
  model: required(aPath('a model file or the name of a variant')),
  size: integerField({ min: 1, max: 8192 }),
  classes: integerField({ min: 1, max: 1_000_000 }),
  batchSize: openOrWhole,
}

interface ModelShape {
  readonly model: ModelName
  readonly classes?: number
  readonly size?: number | undefined
}

/** A file comes before a name, and a name before a folder: any may be called as a variant is. */
async function shapeOf(asked: string): Promise<ModelShape> {
  const found = await stat(asked).catch(() => undefined)
  if (found?.isFile()) return readShape(asked)
  const model = MODEL_NAMES.find((variant) => variant === asked)
  if (model) return { model }
  if (found) return readShape(await modelFileAt(asked))
  throw new TorchgraftError('ERR_MODEL_UNKNOWN', `${JSON.stringify(asked)} is neither a model file nor the name of a model. The models are ${MODEL_NAMES.join(', ')}`, { path: asked })
}

/** The tensors decide; metadata is asked for the size alone. */
async function readShape(path: string): Promise<ModelShape> {
  const { tensors, size } = await readLayout(path)
  await setUpAtFirstUse()
  const found = recognizeVariant(tensors)
  if (found) return { model: found.variant, classes: found.classes, size }
  throw noModelError(path, tensors)
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
