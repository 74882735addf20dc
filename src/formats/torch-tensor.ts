import type { FileHandle } from 'node:fs/promises'
import { TorchgraftError } from '../errors.js'
import type { LazyTensor } from './lazy-tensor.js'
import { readAt } from './read-at.js'
import { elements, type Tensor, type TensorDtype } from './tensor.js'

/** How PyTorch's storages are named, what an element of each takes, and what we read it as. */
interface Kind {
  readonly size: number
  readonly dtype: TensorDtype
  /** One element as it lies in the file; undefined where the bytes are taken as they are. */
  readonly read?: (view: DataView, at: number) => number | bigint
}

export const STORAGES: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['torch.FloatStorage', { size: 4, dtype: 'float32' }],
  ['torch.HalfStorage', { size: 2, dtype: 'float16' }],
  ['torch.BFloat16Storage', { size: 2, dtype: 'bfloat16' }],
  ['torch.LongStorage', { size: 8, dtype: 'int64' }],
  ['torch.DoubleStorage', { size: 8, dtype: 'float32', read: (view, at) => view.getFloat64(at, true) }],
  ['torch.IntStorage', { size: 4, dtype: 'int64', read: (view, at) => BigInt(view.getInt32(at, true)) }],
  ['torch.ShortStorage', { size: 2, dtype: 'int64', read: (view, at) => BigInt(view.getInt16(at, true)) }],
  ['torch.CharStorage', { size: 1, dtype: 'int64', read: (view, at) => BigInt(view.getInt8(at)) }],
  ['torch.ByteStorage', { size: 1, dtype: 'int64', read: (view, at) => BigInt(view.getUint8(at)) }],
  ['torch.BoolStorage', { size: 1, dtype: 'int64', read: (view, at) => BigInt(view.getUint8(at)) }],
])

/** A storage that tensors are views of. */
export class TorchStorage {
  readonly key: string
  readonly kind: Kind
  /** Elements. */
  readonly count: number

  constructor(key: string, kind: Kind, count: number) {
    this.key = key
    this.kind = kind
    this.count = count
  }

  get bytes(): number {
    return this.count * this.kind.size
  }
}

/** Where a storage's bytes are. */
export type StoragePlaces = (storage: TorchStorage) => { readonly file: FileHandle; readonly begin: number }

/** A view of a storage: read from the file when it is asked for, row-major whatever its strides. */
export class TorchTensor implements LazyTensor {
  readonly shape: readonly number[]
  readonly storage: TorchStorage
  readonly #offset: number
  readonly #strides: readonly number[]
  readonly #path: string
  #places: StoragePlaces | undefined

  /** @throws ERR_FILE_FORMAT where it would reach out of its storage */
  constructor(storage: TorchStorage, offset: unknown, shape: readonly unknown[], strides: readonly unknown[], path: string) {
    this.storage = storage
    const counts = [offset, ...shape, ...strides]
    const valid = shape.length === strides.length && shape.length <= 64 && counts.every((count) => Number.isSafeInteger(count) && (count as number) >= 0)
    if (!valid) throw refuse(path, 'a tensor has no valid offset, shape or strides')
    this.#offset = offset as number
    this.shape = shape as readonly number[]
    this.#strides = strides as readonly number[]
    this.#path = path
    const count = elements(this.shape)
    const last = this.shape.reduce((sum, size, i) => sum + (size - 1) * this.#strides[i]!, this.#offset)
    const inside = count === 0 ? this.#offset <= storage.count : last < storage.count
    // A view that repeats elements could be far larger than its storage; none that PyTorch saves of a model does.
    if (!inside || !Number.isSafeInteger(last) || count > storage.count) throw refuse(path, `a tensor of shape [${this.shape.join(', ')}] reaches out of its storage`)
  }

  get dtype(): TensorDtype {
    return this.storage.kind.dtype
  }

  /** Tells where the storages are, once that is known. */
  place(places: StoragePlaces): void {
    this.#places = places
  }

  async load(): Promise<Tensor> {
    const { dtype, shape, storage: { kind } } = this
    const count = elements(shape)
    const { file, begin } = this.#places!(this.storage)
    const span = count === 0 ? 0 : this.shape.reduce((sum, size, i) => sum + (size - 1) * this.#strides[i]!, 1)
    const source = await readAt(file, begin + this.#offset * kind.size, span * kind.size, this.#path)
    if (!kind.read && isRowMajor(shape, this.#strides)) return { dtype, shape, data: source }
    if (kind.read) return { dtype, shape, data: convert(source, kind.size, kind.read, dtype, count, shape, this.#strides) }
    const [from, to] = [asNumbers(source, kind.size), asNumbers(new Uint8Array(count * kind.size), kind.size)]
    forEachPlace(shape, this.#strides, (index, i) => {
      to[i] = from[index] as never
    })
    return { dtype, shape, data: new Uint8Array(to.buffer) }
  }
}

/** Elements of another kind, as what we read them as. */
function convert(source: Uint8Array<ArrayBuffer>, size: number, read: NonNullable<Kind['read']>, dtype: TensorDtype, count: number, shape: readonly number[], strides: readonly number[]): Uint8Array {
  const view = new DataView(source.buffer)
  const output = dtype === 'int64' ? new BigInt64Array(count) : new Float32Array(count)
  forEachPlace(shape, strides, (index, i) => {
    output[i] = read(view, index * size)
  })
  return new Uint8Array(output.buffer)
}

/** Whole elements, to be copied and not computed with. */
function asNumbers({ buffer }: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | BigUint64Array<ArrayBuffer> {
  if (size === 8) return new BigUint64Array(buffer)
  if (size === 4) return new Uint32Array(buffer)
  return size === 2 ? new Uint16Array(buffer) : new Uint8Array(buffer)
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return false
    expected *= shape[i]!
  }
  return true
}

/** Calls with each element's place in the storage and in row-major order, the last dimension running fastest. */
function forEachPlace(shape: readonly number[], strides: readonly number[], call: (index: number, i: number) => void): void {
  let i = 0
  const walk = (dimension: number, index: number): void => {
    if (dimension === shape.length) return call(index, i++)
    const stride = strides[dimension]!
    for (let n = shape[dimension]!; n > 0; n--, index += stride) walk(dimension + 1, index)
  }
  walk(0, 0)
}

function refuse(path: string, reason: string): TorchgraftError {
  return new TorchgraftError('ERR_FILE_FORMAT', `${path} is not a file that PyTorch has written: ${reason}`, { path })
}
