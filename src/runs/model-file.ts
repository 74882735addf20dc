import { createHash } from 'node:crypto'
import { TorchgraftError } from '../errors.js'
import { hashTensors, readSafetensors, readSafetensorsLayout, writeSafetensors } from '../formats/safetensors.js'
import type { StateDict } from '../formats/tensor.js'
import type { Files } from '../formats/files/write-file.js'
import { METADATA_KEY, type ModelMetadata, parseModelMetadata, serializeMetadata } from './model-metadata.js'

export interface ModelFile<M extends ModelMetadata = ModelMetadata> {
  readonly tensors: StateDict
  readonly metadata: M
}

/** Whether a .safetensors file is a model file of ours; else it holds tensors and no class names. @throws ERR_FILE_FORMAT */
export async function isModelFile(path: string): Promise<boolean> {
  return METADATA_KEY in (await readSafetensorsLayout(path)).metadata
}

/** The key of the header's own checksum. The one in our metadata is of the tensors, and could not hold itself. */
export const CHECKSUM_KEY = 'checksum'

/**
 * Reads a model file and proves that it is whole.
 *
 * @throws ERR_FILE_FORMAT, ERR_FILE_CHECKSUM
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const file = await readSafetensors(path)
  const { metadata, sha256 } = parseModelMetadata(path, file.metadata)
  const { [METADATA_KEY]: json = '', [CHECKSUM_KEY]: checksum } = file.metadata
  if (checksum !== undefined && checksum !== hashHeader(json, file.tensors)) throw damaged(path, 'header is not the one that was')
  if ((await hashTensors(file.tensors)) !== sha256) throw damaged(path, 'tensors are not those that were')
  return { tensors: file.tensors, metadata }
}

/** Writes a model file whole or not at all, and returns its bytes. */
export async function writeModelFile(path: string, { tensors, metadata }: ModelFile, files?: Files): Promise<number> {
  const json = serializeMetadata(metadata, await hashTensors(tensors))
  return writeSafetensors(path, tensors, { format: 'pt', [METADATA_KEY]: json, [CHECKSUM_KEY]: hashHeader(json, tensors) }, files)
}

function hashHeader(json: string, tensors: StateDict): string {
  const layout = [...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])
  return createHash('sha256').update(`${json}\n${JSON.stringify(layout)}`).digest('hex')
}

function damaged(path: string, what: string): TorchgraftError {
  return new TorchgraftError('ERR_FILE_CHECKSUM', `${path} is damaged: its ${what} written. Use another copy of it`, { path })
}
