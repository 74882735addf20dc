import { existsSync } from 'node:fs'
import { separateState } from '../runs/checkpoint-store.js'
import { modelFileAt } from '../runs/model-file-at.js'
import { isModelFile, readModelFile, writeModelFile } from '../runs/model-file.js'
import { type TrainingMetadata, withoutTraining } from '../runs/model-metadata.js'
import { readTorchCheckpoint, writeTorchCheckpoint } from '../runs/torch-checkpoint.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { checkFields, type Fields, booleanField, required, oneOfField } from '../options/checks.js'
import { fileKind } from '../formats/file-kind.js'
import { loadAll } from '../formats/lazy-tensor.js'
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js'
import { shippedGraph } from '../models/shipped-graphs.js'
import { torchvisionNames } from '../models/state-dict-names.js'
import { type StateDict, toFloat16 } from '../formats/tensor.js'
import { aPath, local, type LocalPath } from '../options/local-path.js'
import { foldedError } from '../formats/file-error.js'
import { foreignMetadata } from './foreign-model.js'
import { FOREIGN_FIELDS, type ForeignOptions } from './options.js'

export const EXPORT_FORMATS = ['pth', 'safetensors', 'onnx', 'web'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

/** `classes` and `size` are for `onnx` and `web`, of a file that does not name its classes. */
export interface ExportOptions extends ForeignOptions {
  /** A model file, a `last` file, a .pth file, any .safetensors file, whose metadata is kept, or a run folder, whose best one is taken. */
  readonly model: LocalPath
  /** `web` is a folder for any static host: a page that runs the model in the browser. */
  readonly format: ExportFormat
  /**
   * A file, or for `web` a folder, that does not exist yet.
   * @default the model's name with the format's ending, beside it; for `web`, the model's name and `-web`
   */
  readonly output?: LocalPath
  /** Weights in half precision, running statistics as they are. Not with an optimizer. @default false */
  readonly fp16?: boolean
}

const FIELDS: Fields<ExportOptions> = {
  model: required(aPath('a model file')), format: required(oneOfField(EXPORT_FORMATS)), output: aPath('a file'), fp16: booleanField,
  ...FOREIGN_FIELDS,
}

export interface ExportResult {
  /** The file that was written; for `web`, the folder. */
  readonly file: string
  /** Its size; for `web`, that of all its files together. */
  readonly bytes: number
  /** Whether the optimizer's state was written too. */
  readonly optimizer: boolean
  /** What was done on reading the model. */
  readonly notes: readonly string[]
}

/**
 * Writes a model for others: .pth for PyTorch (with the optimizer's state, where the file has one), .safetensors, .onnx, or a
 * page for the browser.
 *
 * @throws ERR_ARGUMENT, ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED, ERR_RUNTIME_MISSING, ERR_WRITE where the output exists
 */
export async function exportModel(options: ExportOptions): Promise<ExportResult> {
  checkFields<ExportOptions>(options, FIELDS, 'exportModel')
  const { model: location, format, output, fp16 = false, ...names } = local(options)
  const model = await modelFileAt(location)
  const runs = format === 'onnx' || format === 'web'
  if (names.classes && !runs) throw argumentError('no class names, unless the format is onnx or web,', 'classes', names.classes)
  const file = output ?? `${withoutEnding(model)}${fp16 ? '-fp16' : ''}${format === 'web' ? '-web' : `.${format}`}`
  if (existsSync(file))
    throw new TorchgraftError('ERR_WRITE', (option) => `${file} exists: choose another ${option('output')}`, { path: file })
  const contents = await read(model)
  if (runs) {
    const bytes = await writeToRun(file, format, contents, { model, fp16, ...names })
    return { file, bytes, optimizer: false, notes: contents.notes }
  }
  const { tensors, training, metadata, optimizer, others, notes } = contents
  const withOptimizer = format === 'pth' && training !== undefined && optimizer !== undefined
  if (fp16 && withOptimizer) throw argumentError('a file without an optimizer, such as best.safetensors,', 'model with fp16', model)
  const weights = fp16 ? halve(tensors) : tensors
  if (format === 'pth') {
    const bytes = await writeTorchCheckpoint(file, { model: weights, ...(withOptimizer && { training, optimizer }) })
    return { file, bytes, optimizer: withOptimizer, notes }
  }
  const bytes = metadata ? await writeModelFile(file, { tensors: weights, metadata }) : await writeSafetensors(file, weights, others)
  return { file, bytes, optimizer: false, notes }
}

interface GraphOptions extends ForeignOptions {
  readonly model: string
  readonly fp16: boolean
}

/** Writes what runs by itself, without libtorch: an ONNX file or a folder for the web. @returns its bytes */
async function writeToRun(
  file: string,
  format: 'onnx' | 'web',
  { tensors, metadata }: Awaited<ReturnType<typeof read>>,
  { model, fp16, ...names }: GraphOptions,
): Promise<number> {
  const known = metadata ?? (await foreignMetadata(model, tensors, names))
  const { toOnnx } = await import('./onnx/to-onnx.js')
  const onnx = toOnnx(shippedGraph(known.model), tensors, known, { fp16 })
  if (format === 'onnx') return (await import('./onnx/onnx-file.js')).writeOnnx(file, onnx)
  return (await import('./onnx/web-folder.js')).writeWebFolder(file, onnx, known)
}

/** "model_best" of "model_best.pth.tar" */
function withoutEnding(path: string): string {
  return path.replace(/(?<=[^/\\])(?:\.(?:pth|pt|ckpt)\.tar|\.[^./\\]+)$/i, '')
}

async function read(path: string) {
  const kind = await fileKind(path)
  if (kind === 'onnx') throw foldedError(path)
  if (kind === 'pth') {
    const { model, training, optimizer, notes = [] } = await readTorchCheckpoint(path)
    return { tensors: model, training, optimizer, metadata: undefined, others: { format: 'pt' }, notes }
  }
  if (!(await isModelFile(path))) {
    const { tensors, metadata } = await readSafetensors(path)
    const { tensors: named, notes } = torchvisionNames(tensors)
    return { tensors: await loadAll(named), training: undefined, optimizer: undefined, metadata: undefined, others: metadata, notes }
  }
  const { tensors, metadata } = await readModelFile(path)
  const { model, training } = separateState(tensors)
  const { optimizer } = metadata as Partial<TrainingMetadata>
  const kept = { metadata: withoutTraining(metadata), others: {}, notes: [] }
  return { tensors: model, training: training.size > 0 ? training : undefined, optimizer, ...kept }
}

/** Weights as float16; running statistics stay float32. */
function halve(tensors: StateDict): StateDict {
  const isStatistic = (name: string): boolean => /\.running_(?:mean|var)$/.test(name)
  return new Map([...tensors].map(([name, tensor]) => {
    const halved = tensor.dtype === 'float32' && !isStatistic(name) ? toFloat16(tensor, name) : tensor
    return [name, halved]
  }))
}
