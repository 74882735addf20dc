import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { contentsOf } from '../formats/checkpoint-contents.js'
import { PickleDict } from '../formats/pickle.js'
import { isPth, PthFile } from '../formats/pth.js'
import { readSafetensorsLayout } from '../formats/safetensors.js'
import { ITEM_SIZE, type Tensor, type TensorDtype } from '../formats/tensor.js'
import { DATA_TYPE } from '../onnx/onnx-model.js'
import { isOnnx } from '../onnx/onnx-name.js'
import { tryRecognizeVariant } from '../native/recognize.js'
import { isTrainingState } from './checkpoint-store.js'
import { CHECKSUM_KEY } from './model-file.js'
import { METADATA_KEY } from './model-metadata.js'
import { CONFIG_FILE, readConfigIn } from './run-folder.js'

export interface Inspection {
  readonly kind: 'safetensors' | 'pth' | 'onnx' | 'run'
  /** Where the file says. */
  readonly model: string | null
  /** What the file says of itself; of a run, its config. */
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tensors: readonly (Pick<Tensor, 'dtype' | 'shape'> & { readonly name: string })[]
  /** The variant whose names and shapes the tensors have, and its classes; null where there is none, or nothing to compute with, and of ONNX, whose batch norm is folded. */
  readonly fits: { readonly variant: string; readonly classes: number } | null
  /** Of a run's files together. */
  readonly bytes: number
  /** Of a run. */
  readonly files?: readonly { readonly name: string; readonly bytes: number }[]
}

/**
 * Tells what is in a .safetensors, .pth or .onnx file, or in a run folder, without loading its tensors.
 *
 * @throws ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED
 */
export async function inspectFile(path: string): Promise<Inspection> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new TorchgraftError('ERR_FILE_FORMAT', `There is no file ${path}`, { path, cause })
  })
  if (info.isDirectory()) return inspectRun(path)
  if (isPth(path)) return inspectPth(path, info.size)
  if (isOnnx(path)) return inspectOnnx(path, info.size)
  const { tensors, metadata } = await readSafetensorsLayout(path)
  const { [METADATA_KEY]: ours, [CHECKSUM_KEY]: _, ...others } = metadata
  const known = ours === undefined ? {} : parse(ours)
  return { kind: 'safetensors', model: typeof known['model'] === 'string' ? known['model'] : null, metadata: { ...others, ...known }, tensors, fits: fitting(tensors), bytes: info.size }
}

async function inspectPth(path: string, bytes: number): Promise<Inspection> {
  await using file = await PthFile.open(path)
  const { model, optimizer, notes } = contentsOf(file)
  const keys = file.value instanceof PickleDict ? [...file.value.keys()].map(String) : []
  const metadata = { ...(optimizer && { keys, optimizer: true }), ...(notes.length > 0 && { notes }) }
  const tensors = [...model].map(([name, { dtype, shape }]) => ({ name, dtype, shape }))
  return { kind: 'pth', model: null, metadata, tensors, fits: fitting(tensors), bytes }
}

const ONNX_DTYPES: ReadonlyMap<number, TensorDtype> = new Map((Object.keys(ITEM_SIZE) as TensorDtype[]).map((dtype) => [DATA_TYPE[dtype], dtype]))

async function inspectOnnx(path: string, bytes: number): Promise<Inspection> {
  const { readOnnx } = await import('../onnx/onnx-file.js')
  const { producerName, metadataProps, graph } = await readOnnx(path)
  const { [METADATA_KEY]: ours, ...others } = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]))
  const known = ours === undefined ? {} : parse(ours)
  const tensors = (graph?.initializer ?? []).flatMap(({ name, dims, dataType }) => {
    const dtype = ONNX_DTYPES.get(dataType)
    return dtype ? [{ name, dtype, shape: dims }] : []
  })
  return { kind: 'onnx', model: typeof known['model'] === 'string' ? known['model'] : null, metadata: { producer: producerName, ...others, ...known }, tensors, fits: null, bytes }
}

async function inspectRun(path: string): Promise<Inspection> {
  if (!existsSync(join(path, CONFIG_FILE))) throw new TorchgraftError('ERR_FILE_FORMAT', `${path} is a folder without ${CONFIG_FILE}: no run of torchgraft`, { path })
  const metadata = { ...(await readConfigIn(path)) }
  const names = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name).sort()
  const files = await Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(path, name))).size })))
  const { model } = (metadata.options ?? {}) as { model?: unknown }
  return { kind: 'run', model: typeof model === 'string' ? model : null, metadata, tensors: [], fits: null, bytes: files.reduce((sum, file) => sum + file.bytes, 0), files }
}

function fitting(tensors: Inspection['tensors']): Inspection['fits'] {
  const model = tensors.filter(({ name }) => !isTrainingState(name))
  return tryRecognizeVariant(new Map(model.map((tensor) => [tensor.name, tensor]))) ?? null
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : { [METADATA_KEY]: text }
  } catch {
    return { [METADATA_KEY]: text }
  }
}
