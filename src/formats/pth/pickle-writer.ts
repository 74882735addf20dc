import { elements, ITEM_SIZE, type Tensor, type TensorDtype } from '../tensor.js'

/** Python's float, also where its value is whole. */
export class PythonFloat {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

export class PythonTuple {
  readonly items: readonly Picklable[]

  constructor(items: readonly Picklable[]) {
    this.items = items
  }
}

/** Maps are dicts, arrays lists; whole numbers ints, others floats. */
export type Picklable =
  | null | boolean | number | string | PythonFloat | PythonTuple | Tensor
  | readonly Picklable[] | ReadonlyMap<string | number, Picklable>

const STORAGES: Readonly<Record<TensorDtype, string>> = {
  float32: 'FloatStorage', float16: 'HalfStorage', bfloat16: 'BFloat16Storage', int64: 'LongStorage',
}

/**
 * A pickle of protocol 2 as `torch.save` makes it, tensors as `torch._utils._rebuild_tensor_v2` of a storage each.
 *
 * @returns the pickle, and the storages' bytes by their keys: 0, 1, 2 …
 */
export function pickle(value: Picklable): { readonly bytes: Uint8Array; readonly storages: readonly Uint8Array[] } {
  const writer = new PickleWriter()
  writer.bytes(0x80, 2) // PROTO
  writer.write(value)
  writer.bytes(0x2e) // STOP
  return { bytes: writer.finish(), storages: writer.storages }
}

class PickleWriter {
  readonly storages: Uint8Array[] = []
  #buffer = new Uint8Array(1 << 16)
  #length = 0

  write(value: Picklable): void {
    if (value === null) this.bytes(0x4e) // NONE
    else if (typeof value === 'boolean') this.bytes(value ? 0x88 : 0x89) // NEWTRUE, NEWFALSE
    else if (typeof value === 'string') this.#text(value)
    else if (typeof value === 'number') this.#number(value)
    else if (value instanceof PythonFloat) this.#float(value.value)
    else if (value instanceof PythonTuple) this.#tuple(value.items)
    else if (value instanceof Map) this.#dict(value as ReadonlyMap<string | number, Picklable>)
    else if (Array.isArray(value)) this.#list(value as readonly Picklable[])
    else this.#tensor(value as Tensor)
  }

  bytes(...bytes: number[]): void {
    this.#reserve(bytes.length).set(bytes)
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }

  #number(value: number): void {
    if (!Number.isInteger(value)) this.#float(value)
    else if (value >= 0 && value < 256) this.bytes(0x4b, value) // BININT1
    else if (value >= -(2 ** 31) && value < 2 ** 31) {
      this.bytes(0x4a) // BININT
      this.#view(4).setInt32(0, value, true)
    } else {
      this.bytes(0x8a, 8) // LONG1
      this.#view(8).setBigInt64(0, BigInt(value), true)
    }
  }

  #float(value: number): void {
    this.bytes(0x47) // BINFLOAT
    this.#view(8).setFloat64(0, value, false)
  }

  #text(value: string): void {
    const encoded = new TextEncoder().encode(value)
    this.bytes(0x58) // BINUNICODE
    this.#view(4).setUint32(0, encoded.length, true)
    this.#reserve(encoded.length).set(encoded)
  }

  #tuple(items: readonly Picklable[]): void {
    this.bytes(0x28) // MARK
    for (const item of items) this.write(item)
    this.bytes(0x74) // TUPLE
  }

  #list(items: readonly Picklable[]): void {
    this.bytes(0x5d, 0x28) // EMPTY_LIST, MARK
    for (const item of items) this.write(item)
    this.bytes(0x65) // APPENDS
  }

  #dict(entries: ReadonlyMap<string | number, Picklable>): void {
    this.bytes(0x7d, 0x28) // EMPTY_DICT, MARK
    for (const [key, value] of entries) {
      this.write(key)
      this.write(value)
    }
    this.bytes(0x75) // SETITEMS
  }

  #tensor({ dtype, shape, data }: Tensor): void {
    const strides = shape.map((_, i) => elements(shape.slice(i + 1)))
    this.#global('torch._utils', '_rebuild_tensor_v2')
    this.bytes(0x28) // MARK: the arguments
    this.bytes(0x28) // MARK: the storage's id
    this.#text('storage')
    this.#global('torch', STORAGES[dtype])
    this.#text(String(this.storages.length))
    this.#text('cpu')
    this.#number(data.length / ITEM_SIZE[dtype])
    this.bytes(0x74, 0x51) // TUPLE, BINPERSID
    this.#number(0) // offset
    this.#tuple(shape)
    this.#tuple(strides)
    this.write(false) // requires_grad
    this.#global('collections', 'OrderedDict') // hooks: none
    this.bytes(0x29, 0x52) // EMPTY_TUPLE, REDUCE
    this.bytes(0x74, 0x52) // TUPLE, REDUCE
    this.storages.push(data)
  }

  #global(module: string, name: string): void {
    const encoded = new TextEncoder().encode(`c${module}\n${name}\n`)
    this.#reserve(encoded.length).set(encoded)
  }

  #view(length: number): DataView {
    const { buffer, byteOffset } = this.#reserve(length)
    return new DataView(buffer, byteOffset, length)
  }

  /** Room at the end. */
  #reserve(length: number): Uint8Array {
    if (this.#length + length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + length))
      larger.set(this.#buffer)
      this.#buffer = larger
    }
    const begin = this.#length
    this.#length += length
    return this.#buffer.subarray(begin, this.#length)
  }
}
