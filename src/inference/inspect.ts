import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { contentsOf } from '../models/checkpoint-contents.js'
import { aPath, type LocalPath, toPath } from '../options/local-path.js'
import { fileKind } from '../formats/file-kind.js'
import { parseJson } from '../formats/parse-json.js'
import { PickleDict } from '../formats/pth/pickle-values.js'
import { PthFile } from '../formats/pth/pth.js'
import { readSafetensorsLayout } from '../formats/safetensors.js'
import { shortName } from '../formats/short-name.js'
import { torchvisionNames } from '../models/state-dict-names.js'
import { ITEM_SIZE, type Tensor, type TensorDtype } from '../formats/tensor.js'
import { DATA_TYPE } from './onnx/onnx-model.js'
import { readOnnxLayout } from './onnx/onnx-layout.js'
import { tryDescribeNearest } from '../models/nearest-model.js'
import { tryRecognizeVariant } from '../models/recognize.js'
import type { Shaped } from '../models/state-layout.js'
import { isTrainingState } from '../runs/checkpoint-store.js'
import { CHECKSUM_KEY } from '../runs/model-file.js'
import { METADATA_KEY } from '../runs/model-metadata.js'
import { CONFIG_FILE, readConfigIn } from '../runs/run-folder.js'

/** What is in a model file or a run folder. */
export interface Inspection {
  readonly kind: 'safetensors' | 'pth' | 'onnx' | 'run'
  /** The model's name, where the file gives one. */
  readonly model: string | null
  /** What the file says of itself; of a run, its `config.json`. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** Every tensor's name, kind of numbers and shape, in the file's order; empty of a run. */
  readonly tensors: readonly (Pick<Tensor, 'dtype' | 'shape'> & { readonly name: string })[]
  /**
   * The model whose names and shapes the tensors have, and its number of classes. Null where there is none, where no libtorch is here
   * to ask, and of ONNX, whose batch norm is folded.
   */
  readonly fits: { readonly variant: string; readonly classes: number } | null
  /** Where no model fits: which is nearest, and what differs, in words; null where nothing is known of it. */
  readonly nearest: string | null
  /** The file's size; of a run, that of its files together. */
  readonly bytes: number
  /** A run's files, by name; absent of a file. */
  readonly files?: readonly { readonly name: string; readonly bytes: number }[]
}

/**
 * Looks at a .safetensors, .pth or .onnx file, or a run folder, without loading its tensors. Of a run, `runStatus` tells how far it
 * has come. The library's form of `torchgraft inspect`.
 *
 * @throws ERR_FILE_FORMAT where there is no such file, or it is damaged; ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED, ERR_ARGUMENT
 */
export async function inspectFile(file: LocalPath): Promise<Inspection> {
  aPath('a file or a run folder')(file, 'file')
  const path = toPath(file)
  const info = await stat(path).catch((cause: unknown) => {
    throw new TorchgraftError('ERR_FILE_FORMAT', `There is no file ${path}`, { path, cause })
  })
  if (info.isDirectory()) return inspectRun(path)
  const kind = await fileKind(path)
  if (kind === 'pth') return inspectPth(path, info.size)
  return kind === 'onnx' ? inspectOnnx(path, info.size) : inspectSafetensors(path, info.size)
}

async function inspectSafetensors(path: string, bytes: number): Promise<Inspection> {
  const { tensors, metadata } = await readSafetensorsLayout(path)
  const { [METADATA_KEY]: ours, [CHECKSUM_KEY]: _, ...others } = metadata
  const known = ours === undefined ? {} : parse(ours)
  const named = torchvisionNames(new Map(tensors.filter(({ name }) => !isTrainingState(name)).map((tensor) => [tensor.name, tensor])))
  const notes = named.notes.length > 0 ? { notes: named.notes } : {}
  const said = { model: modelOf(known), metadata: { ...others, ...known, ...notes } }
  return { kind: 'safetensors', ...said, tensors, ...fitting(named.tensors), bytes }
}

async function inspectPth(path: string, bytes: number): Promise<Inspection> {
  await using file = await PthFile.open(path)
  const { model, optimizer, notes } = contentsOf(file)
  const keys = file.value instanceof PickleDict ? [...file.value.keys()].slice(0, MOST_KEYS).map((key) => shortName(String(key))) : []
  const metadata = { ...(optimizer && { keys, optimizer: true }), ...(notes.length > 0 && { notes }) }
  const tensors = [...model].map(([name, { dtype, shape }]) => ({ name, dtype, shape }))
  return { kind: 'pth', model: null, metadata, tensors, ...fitting(model), bytes }
}

/** Keys of a checkpoint's dictionary that are named: the first ones say what it is. */
const MOST_KEYS = 50
const DTYPES = Object.keys(ITEM_SIZE) as TensorDtype[]
const ONNX_DTYPES: ReadonlyMap<number, TensorDtype> = new Map(DTYPES.map((dtype) => [DATA_TYPE[dtype], dtype]))

async function inspectOnnx(path: string, bytes: number): Promise<Inspection> {
  const { producerName, metadata, tensors: all } = await readOnnxLayout(path)
  const { [METADATA_KEY]: ours, ...others } = Object.fromEntries(metadata)
  const known = ours === undefined ? {} : parse(ours)
  const tensors = all.flatMap(({ name, dims, dataType }) => {
    const dtype = ONNX_DTYPES.get(dataType)
    return dtype && dims.every(Number.isSafeInteger) ? [{ name, dtype, shape: dims }] : []
  })
  const said = { model: modelOf(known), metadata: { producer: producerName, ...others, ...known } }
  return { kind: 'onnx', ...said, tensors, fits: null, nearest: null, bytes }
}

async function inspectRun(path: string): Promise<Inspection> {
  if (!existsSync(join(path, CONFIG_FILE))) throw new TorchgraftError('ERR_FILE_FORMAT', `${path} is a folder without ${CONFIG_FILE}: no run of torchgraft`, { path })
  const metadata = { ...(await readConfigIn(path)) }
  const names = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name).sort()
  const files = (await Promise.all(names.map((name) => sizeOf(path, name)))).filter((file) => file !== undefined)
  const { model } = (metadata.options ?? {}) as { model?: unknown }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  return { kind: 'run', model: modelOf({ model }), metadata, tensors: [], fits: null, nearest: null, bytes, files }
}

/** Undefined where the file is gone since it was listed: a run that goes on renames and removes its temporary files. */
async function sizeOf(folder: string, name: string): Promise<{ readonly name: string; readonly bytes: number } | undefined> {
  try {
    return { name, bytes: (await stat(join(folder, name))).size }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function modelOf({ model }: Readonly<Record<string, unknown>>): string | null {
  return typeof model === 'string' ? model : null
}

function fitting(tensors: ReadonlyMap<string, Shaped>): Pick<Inspection, 'fits' | 'nearest'> {
  const fits = tryRecognizeVariant(tensors) ?? null
  return { fits, nearest: fits ? null : (tryDescribeNearest(tensors) ?? null) }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value = parseJson(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : { [METADATA_KEY]: text }
  } catch {
    return { [METADATA_KEY]: text }
  }
}
