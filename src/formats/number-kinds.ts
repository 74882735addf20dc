import type { TensorDtype } from './tensor.js'

/** An element type of a file: its bytes, and the dtype that it is converted to as it is read. */
export interface NumberKind {
  readonly size: number
  /** Undefined for numbers that no model here has, such as complex ones: known, and not read. */
  readonly dtype: TensorDtype | undefined
  /** One element as it lies in the file; undefined where the bytes are taken as they are. */
  readonly read?: (view: DataView, at: number) => number | bigint
}

/** By PyTorch's names of its dtypes. What is wider than we compute with is rounded, whole numbers become int64. */
type ReadKind = NumberKind & { readonly dtype: TensorDtype }
export const NUMBER_KINDS: Readonly<Record<TensorDtype | 'float64' | 'int32' | 'int16' | 'int8' | 'uint8', ReadKind>> = {
  float32: { size: 4, dtype: 'float32' },
  float16: { size: 2, dtype: 'float16' },
  bfloat16: { size: 2, dtype: 'bfloat16' },
  int64: { size: 8, dtype: 'int64' },
  float64: { size: 8, dtype: 'float32', read: (view, at) => view.getFloat64(at, true) },
  int32: { size: 4, dtype: 'int64', read: (view, at) => BigInt(view.getInt32(at, true)) },
  int16: { size: 2, dtype: 'int64', read: (view, at) => BigInt(view.getInt16(at, true)) },
  int8: { size: 1, dtype: 'int64', read: (view, at) => BigInt(view.getInt8(at)) },
  uint8: { size: 1, dtype: 'int64', read: (view, at) => BigInt(view.getUint8(at)) },
}

/** Calls with an element's place in a file's bytes, and its place in the tensor. */
type EachPlace = (call: (index: number, i: number) => void) => void

/** Converts elements of a file to their kind's dtype: one behind the other, or in the order of `eachPlace`. @returns little-endian bytes */
export function convertNumbers(source: Uint8Array, kind: NumberKind, count: number, eachPlace = inOrder(count)): Uint8Array<ArrayBuffer> {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength)
  const output = kind.dtype === 'int64' ? new BigInt64Array(count) : new Float32Array(count)
  eachPlace((index, i) => {
    output[i] = kind.read!(view, index * kind.size)
  })
  return new Uint8Array(output.buffer)
}

function inOrder(count: number): EachPlace {
  return (call) => {
    for (let i = 0; i < count; i++) call(i, i)
  }
}
