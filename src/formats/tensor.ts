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

/** A tensor of these numbers. */
export function float32Tensor(shape: readonly number[], numbers: Float32Array<ArrayBuffer>): Tensor {
  return { dtype: 'float32', shape, data: new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength) }
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

/**
 * Floating-point numbers in half precision, rounded to nearest, ties to even.
 *
 * @throws ERR_FILE_FORMAT where a number is beyond its range of ±65504
 */
export function toFloat16(tensor: Tensor, name: string): Tensor {
  const numbers = toFloat32(tensor)
  const bits = new Uint32Array(numbers.buffer)
  const halves = new Uint16Array(numbers.length)
  for (let i = 0; i < numbers.length; i++) {
    halves[i] = float32ToFloat16Bits(bits[i]!)
    if (Number.isFinite(numbers[i]) && (halves[i]! & 0x7c00) === 0x7c00) throw new TorchgraftError('ERR_FILE_FORMAT', `${name} holds ${numbers[i]}, which is beyond what fp16 can hold`)
  }
  return { dtype: 'float16', shape: tensor.shape, data: new Uint8Array(halves.buffer) }
}

function float32ToFloat16Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const exponent = (bits >>> 23) & 0xff
  const fraction = bits & 0x7fffff
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200) // infinity, NaN
  if (exponent < 102) return sign // below half of the smallest
  const subnormal = exponent < 113
  const kept = subnormal ? (fraction | 0x800000) >>> 0 : ((exponent - 112) << 23) | fraction
  const shift = subnormal ? 126 - exponent : 13
  const half = kept >>> shift
  const rest = kept & ((1 << shift) - 1)
  const middle = 1 << (shift - 1)
  return sign | Math.min(0x7c00, half + (rest > middle || (rest === middle && (half & 1) === 1) ? 1 : 0))
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
