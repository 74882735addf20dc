import type { FileHandle } from 'node:fs/promises'
import type { LazyTensor } from '../lazy-tensor.js'
import { convertNumbers, NUMBER_KINDS, type NumberKind } from '../number-kinds.js'
import { readAt } from '../files/read-at.js'
import { damagedPth } from './pth-error.js'
import { elements, type Tensor, type TensorDtype } from '../tensor.js'

/** How PyTorch's storages are named, and what their elements are. */
const KINDS: readonly (readonly [string, NumberKind])[] = [
  ['FloatStorage', NUMBER_KINDS.float32], ['HalfStorage', NUMBER_KINDS.float16], ['BFloat16Storage', NUMBER_KINDS.bfloat16],
  ['DoubleStorage', NUMBER_KINDS.float64], ['LongStorage', NUMBER_KINDS.int64], ['IntStorage', NUMBER_KINDS.int32],
  ['ShortStorage', NUMBER_KINDS.int16], ['CharStorage', NUMBER_KINDS.int8],
  ['ByteStorage', NUMBER_KINDS.uint8], ['BoolStorage', NUMBER_KINDS.uint8],
  ...['QUInt8', 'QInt8', 'QUInt4x2', 'QUInt2x4'].map((name) => [`${name}Storage`, { size: 1, dtype: undefined }] as const),
  ['QInt32Storage', { size: 4, dtype: undefined }], ['ComplexFloatStorage', { size: 8, dtype: undefined }],
  ['ComplexDoubleStorage', { size: 16, dtype: undefined }],
]

export const STORAGES: ReadonlyMap<string, NumberKind> = new Map([
  ...KINDS.flatMap(([name, kind]) => [[`torch.${name}`, kind], [`torch.cuda.${name}`, kind]] as const),
  ['torch.storage.UntypedStorage', { size: 1, dtype: undefined }], // in bytes
])

/** A storage that tensors are views of. */
export class TorchStorage {
  readonly key: string
  readonly kind: NumberKind
  /** Elements. */
  readonly count: number

  constructor(key: string, kind: NumberKind, count: number) {
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
  readonly dtype: TensorDtype
  readonly shape: readonly number[]
  readonly storage: TorchStorage
  readonly #offset: number
  readonly #strides: readonly number[]
  readonly #path: string
  #places: StoragePlaces | undefined

  /** @throws ERR_FILE_FORMAT where it would reach out of its storage */
  constructor(
    storage: TorchStorage, dtype: TensorDtype, offset: unknown, shape: readonly unknown[], strides: readonly unknown[], path: string,
  ) {
    this.storage = storage
    this.dtype = dtype
    const isCount = (count: unknown): boolean => Number.isSafeInteger(count) && (count as number) >= 0
    const valid = shape.length <= 64 && strides.length === shape.length && [offset, ...shape, ...strides].every(isCount)
    if (!valid) throw damagedPth(path, 'a tensor has no valid offset, shape or strides')
    this.#offset = offset as number
    this.shape = shape as readonly number[]
    this.#strides = strides as readonly number[]
    this.#path = path
    const count = elements(this.shape)
    const last = this.shape.reduce((sum, size, i) => sum + (size - 1) * this.#strides[i]!, this.#offset)
    const inside = count === 0 ? this.#offset <= storage.count : last < storage.count
    const finite = Number.isSafeInteger(last) && Number.isSafeInteger(count * 8)
    if (!inside || !finite) throw damagedPth(path, `a tensor of shape [${this.shape.join(', ')}] reaches out of its storage`)
  }

  /** Bytes that loading it takes, in the file's kind of numbers: a view that repeats elements may be far larger than its storage. */
  get bytes(): number {
    return Math.max(this.#span(), elements(this.shape)) * this.storage.kind.size
  }

  /** Tells where the storages are, once that is known. */
  place(places: StoragePlaces): void {
    this.#places = places
  }

  async load(): Promise<Tensor> {
    const { dtype, shape, storage: { kind } } = this
    const count = elements(shape)
    if (count === 0) return { dtype, shape, data: new Uint8Array(0) } // its other sizes may be anything
    const { file, begin } = this.#places!(this.storage)
    const source = await readAt(file, begin + this.#offset * kind.size, this.#span() * kind.size, this.#path)
    if (!kind.read && isRowMajor(shape, this.#strides)) return { dtype, shape, data: source }
    if (kind.read) return { dtype, shape, data: convertNumbers(source, kind, count, (call) => forEachPlace(shape, this.#strides, call)) }
    const [from, to] = [asNumbers(source, kind.size), asNumbers(new Uint8Array(count * kind.size), kind.size)]
    forEachPlace(shape, this.#strides, (index, i) => {
      to[i] = from[index] as never
    })
    return { dtype, shape, data: new Uint8Array(to.buffer) }
  }

  /** Elements of the storage from its first to its last. */
  #span(): number {
    return elements(this.shape) === 0 ? 0 : this.shape.reduce((sum, size, i) => sum + (size - 1) * this.#strides[i]!, 1)
  }
}

type Elements = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>

/** Whole elements, to be copied and not computed with. */
function asNumbers({ buffer }: Uint8Array<ArrayBuffer>, size: number): Elements {
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
