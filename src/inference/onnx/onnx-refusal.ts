import { TorchgraftError } from '../../errors.js'

/** Of what takes the weights as they were trained: a graph of ours has them folded. */
export function foldedError(path: string): TorchgraftError {
  const what = 'is an ONNX file, whose batch norm is folded away: take the .safetensors file that it came from'
  return new TorchgraftError('ERR_FILE_FORMAT', `${path} ${what}`, { path })
}

export function refuseOnnx(path: string, reason: string, cause?: unknown): TorchgraftError {
  return new TorchgraftError('ERR_FILE_FORMAT', `${path} cannot be used as a model: ${reason}`, { path, cause })
}
