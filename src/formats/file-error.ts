import { TorchgraftError, type TorchgraftErrorCode } from '../errors.js'

/** Makes the error of a file: what is wrong with it, behind what is said of every such file. */
export type Refuse = (path: string, reason: string, cause?: unknown) => TorchgraftError

/**
 * How files of a kind are refused: `${path} ${lead}: ${reason}`, with the file as `path` of the error.
 *
 * @param code @default 'ERR_FILE_FORMAT'
 */
export function fileError(lead: string, code: TorchgraftErrorCode = 'ERR_FILE_FORMAT'): Refuse {
  return (path, reason, cause) => new TorchgraftError(code, `${path} ${lead}: ${reason}`, { path, ...(cause !== undefined && { cause }) })
}

/** Of a file that was to be a model. */
export const modelError = fileError('cannot be used as a model')

/** Of an ONNX file where the weights are wanted as they were trained: its graph has the batch norm folded into them. */
export function foldedError(path: string): TorchgraftError {
  const what = 'is an ONNX file, whose batch norm is folded away: take the .safetensors file that it came from'
  return new TorchgraftError('ERR_FILE_FORMAT', `${path} ${what}`, { path })
}
