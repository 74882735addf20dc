/** Bytes were wanted beyond the end: with more of the file it may go on. */
export class PickleEnd extends Error {}

const LATIN1 = new TextDecoder('latin1')

/** The arguments of pickle's opcodes, read one behind the other: little-endian, but for BINFLOAT. Each throws PickleEnd beyond the end. */
export class PickleReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at: number

  constructor(bytes: Uint8Array, from: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = from
  }

  /** Where the next byte is read. */
  get at(): number {
    return this.#at
  }

  byte(): number {
    return this.#bytes[this.#take(1)] ?? 0
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true)
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  /** Big-endian. */
  float64(): number {
    return this.#view.getFloat64(this.#take(8), false)
  }

  /** A signed integer of any length: the length in a byte, then its bytes. */
  long(): number | bigint {
    const bytes = this.bytes(this.byte())
    if (bytes.length === 0) return 0
    const digits = Buffer.from(bytes).reverse().toString('hex')
    const value = BigInt.asIntN(8 * bytes.length, BigInt(`0x${digits}`))
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }

  bytes(length: number): Uint8Array {
    const begin = this.#take(length)
    return this.#bytes.subarray(begin, begin + length)
  }

  /** Up to a newline, as GLOBAL has its names. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at)
    if (end < 0) throw new PickleEnd()
    const begin = this.#take(end + 1 - this.#at)
    return LATIN1.decode(this.#bytes.subarray(begin, end))
  }

  /** Where the next bytes begin, having gone past them. */
  #take(length: number): number {
    const begin = this.#at
    if (begin + length > this.#bytes.length) throw new PickleEnd()
    this.#at += length
    return begin
  }
}
