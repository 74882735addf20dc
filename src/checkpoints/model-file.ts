import { TorchgraftError } from '../errors.js'
import { hashTensors, readSafetensors, readSafetensorsLayout, writeSafetensors } from '../formats/safetensors.js'
import type { StateDict } from '../formats/tensor.js'
import { METADATA_KEY, type ModelMetadata, parseModelMetadata } from './model-metadata.js'

export interface ModelFile<M extends ModelMetadata = ModelMetadata> {
  readonly tensors: StateDict
  readonly metadata: M
}

/** Whether a .safetensors file is a model file of ours; else it holds tensors and no class names. @throws ERR_FILE_FORMAT */
export async function isModelFile(path: string): Promise<boolean> {
  return METADATA_KEY in (await readSafetensorsLayout(path)).metadata
}

/**
 * Reads a model file and proves that it is whole.
 *
 * @throws ERR_FILE_FORMAT, ERR_FILE_CHECKSUM
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const file = await readSafetensors(path)
  const { metadata, sha256 } = parseModelMetadata(path, file.metadata)
  if ((await hashTensors(file.tensors)) !== sha256) {
    throw new TorchgraftError('ERR_FILE_CHECKSUM', `${path} is damaged: its tensors are not those that were written. Use another copy of it`, { path })
  }
  return { tensors: file.tensors, metadata }
}

/** Writes a model file whole or not at all, and returns its bytes. */
export async function writeModelFile(path: string, { tensors, metadata }: ModelFile): Promise<number> {
  const json = JSON.stringify({ ...metadata, sha256: await hashTensors(tensors) })
  return writeSafetensors(path, tensors, { format: 'pt', [METADATA_KEY]: json })
}
