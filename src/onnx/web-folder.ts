import type { ModelMetadata } from '../checkpoints/model-metadata.js'
import type { OnnxModel } from './onnx-model.js'

export async function writeWebFolder(_folder: string, _model: OnnxModel, _metadata: ModelMetadata): Promise<number> {
  throw new Error('not yet')
}
