import { TorchgraftError } from '../errors.js'

export type TensorDtype = 'float32' | 'float16' | 'bfloat16' | 'int64'

/** Numbers with a shape: row-major (NCHW for convolutions), little-endian, as files hold them. */
export interface Tensor {
  readonly dtype: TensorDtype
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** Weights by their torchvision names. */
export type StateDict = ReadonlyMap<string, Tensor>

export const ITEM_SIZE: Readonly<Record<TensorDtype, number>> = { float32: 4, float16: 2, bfloat16: 2, int64: 8 }

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

export function byteLength(dtype: TensorDtype, shape: readonly number[]): number {
  return elements(shape) * ITEM_SIZE[dtype]
}

/** "float32 [64, 32, 1, 1]" */
export function describeTensor({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): string {
  return `${dtype} [${shape.join(', ')}]`
}

/** The number that a tensor of one element holds. */
export function scalar(tensor: Tensor | undefined): number | undefined {
  if (!tensor) return undefined
  if (tensor.dtype !== 'int64') return toFloat32(tensor)[0]
  return Number(new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).getBigInt64(0, true))
}

/** The tensor's numbers. Not for int64, whose numbers may not fit. */
export function toFloat32(tensor: Tensor): Float32Array<ArrayBuffer> {
  const { data, dtype } = tensor
  const count = elements(tensor.shape)
  if (dtype === 'int64') throw new TorchgraftError('ERR_FILE_FORMAT', `Expected floating-point numbers but found ${describeTensor(tensor)}`)
  const result = new Float32Array(count)
  if (dtype === 'float32') {
    new Uint8Array(result.buffer).set(data)
    return result
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const bits = new Uint32Array(result.buffer)
  const widen = dtype === 'bfloat16' ? (half: number) => half << 16 : float16ToFloat32Bits
  for (let i = 0; i < count; i++) bits[i] = widen(view.getUint16(i * 2, true))
  return result
}

/** IEEE 754 binary16 to binary32, bit patterns. */
function float16ToFloat32Bits(half: number): number {
  const sign = (half & 0x8000) << 16
  const exponent = (half >>> 10) & 0x1f
  let fraction = half & 0x3ff
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13) // infinity, NaN
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13)
  if (fraction === 0) return sign
  let shift = 113
  while ((fraction & 0x400) === 0) {
    fraction <<= 1
    shift--
  }
  return sign | (shift << 23) | ((fraction & 0x3ff) << 13)
}
