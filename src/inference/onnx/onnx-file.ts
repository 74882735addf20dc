import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import protobuf from 'protobufjs'
import { METADATA_KEY, type ModelMetadata, parseMetadata } from '../../runs/model-metadata.js'
import { TorchgraftError } from '../../errors.js'
import { type Files, writeFileWhole } from '../../formats/files/write-file.js'
import { packageRoot } from '../../package.js'
import { readOnnxLayout } from './onnx-layout.js'
import type { OnnxModel } from './onnx-model.js'
import { modelError } from '../../formats/file-error.js'

/** protobuf's own limit on a message; ONNX keeps what is more in files beside, which pages and phones read badly. */
const MAX_BYTES = 2 ** 31 - 1

let type: protobuf.Type | undefined

function modelType(): protobuf.Type {
  const file = join(packageRoot(), 'src/inference/onnx/onnx.proto')
  return (type ??= protobuf.parse(readFileSync(file, 'utf8')).root.lookupType('onnx.ModelProto'))
}

/**
 * An ONNX file's bytes: equal models have equal ones.
 *
 * @throws ERR_ARGUMENT where they would be more than an ONNX file may have
 */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const weights = model.graph.initializer.reduce((sum, { rawData }) => sum + rawData.length, 0)
  const bytes = weights < MAX_BYTES ? modelType().encode(model).finish() : undefined
  if (bytes && bytes.length <= MAX_BYTES) return bytes
  throw new TorchgraftError('ERR_ARGUMENT', (option) => `${model.graph.name} takes ${(weights / 1e9).toFixed(1)} GB as ONNX, and an ONNX file can hold 2.1 GB at most. ${option('fp16', true)} halves it`)
}

/** Writes an ONNX file whole or not at all, and returns its bytes. */
export function writeOnnx(path: string, model: OnnxModel, files?: Files): Promise<number> {
  return writeFileWhole(path, [encodeOnnx(model)], files)
}

/** What an ONNX file of ours says of itself: its weights are not read. @throws ERR_FILE_FORMAT */
export async function readOnnxMetadata(path: string): Promise<ModelMetadata> {
  const text = (await readOnnxLayout(path)).metadata.get(METADATA_KEY)
  if (text === undefined) throw modelError(path, 'it has no class names and sizes: torchgraft did not write it')
  return parseMetadata(path, text).metadata
}
