import { atModelSize } from '../../../web/resample/fit.js'
import { TorchgraftError } from '../../errors.js'
import { modelError } from '../../formats/file-error.js'
import { defaultBatchSize } from '../batch-size.js'
import type { ComputeOptions } from '../options.js'
import type { OpenedScorer, Scorer } from '../scorer.js'
import { readOnnxMetadata } from './onnx-file.js'
import { loadOnnxRuntime, type OnnxRuntime, type OnnxSession } from './onnx-runtime.js'
import { INPUT, inputType, OUTPUT } from './onnx-graph.js'

/**
 * A .onnx file of ours on onnxruntime, on the CPU in fp32; nothing of libtorch is loaded.
 *
 * @throws ERR_FILE_FORMAT, ERR_RUNTIME_MISSING, ERR_DEVICE, ERR_PRECISION
 */
export async function openOnnxScorer(
  file: string,
  { device = 'auto', precision = 'auto', threads }: ComputeOptions,
): Promise<OpenedScorer> {
  if (device !== 'auto' && device !== 'cpu') throw new TorchgraftError('ERR_DEVICE', `A .onnx file is computed on the CPU here: leave the device out, or use the .safetensors file that it came from`)
  if (precision !== 'auto' && precision !== 'fp32') throw new TorchgraftError('ERR_PRECISION', `A .onnx file is computed in fp32: leave the precision out, or use the .safetensors file that it came from`)
  const metadata = await readOnnxMetadata(file)
  const { resize, size, classes } = metadata
  const runtime = await loadOnnxRuntime()
  const session = await open(runtime, file, threads)
  const type = inputType(resize)
  let disposed = false
  const scorer: Scorer = {
    batchSize: defaultBatchSize('cpu', size),
    score: async (images) => {
      if (disposed) throw new TorchgraftError('ERR_DISPOSED', 'This classifier has been disposed of')
      const inputs = images.map((image) => atModelSize(image, resize, size))
      const batch = new runtime.Tensor(type, joined(type, inputs), [images.length, size, size, 3])
      const { [OUTPUT]: output } = await session.run({ [INPUT]: batch })
      const probabilities = output!.data as Float32Array
      return images.map((_, row) => probabilities.subarray(row * classes.length, (row + 1) * classes.length))
    },
    dispose: async () => {
      if (disposed) return
      disposed = true
      await session.release()
    },
  }
  return { scorer, metadata, notes: [] }
}

async function open(runtime: OnnxRuntime, file: string, threads: number | undefined): Promise<OnnxSession> {
  try {
    return await runtime.InferenceSession.create(file, { ...(threads !== undefined && { intraOpNumThreads: threads }) })
  } catch (cause) {
    throw modelError(file, `${runtime.name} says ${(cause as Error).message.replaceAll(file, 'the file')}`, cause)
  }
}

function joined(type: 'uint8' | 'float32', inputs: readonly (Uint8Array | Float32Array)[]): Uint8Array | Float32Array {
  const length = inputs.reduce((sum, input) => sum + input.length, 0)
  const all = type === 'uint8' ? new Uint8Array(length) : new Float32Array(length)
  let offset = 0
  for (const input of inputs) {
    all.set(input, offset)
    offset += input.length
  }
  return all
}
