import type { FileHandle } from 'node:fs/promises'
import { readAt } from './files/read-at.js'

/** A field of a message, as it lies in a file. */
export interface ProtobufField {
  readonly number: number
  /** Of a number; of a field with a length, NaN. Beyond 2⁵³ it is not exact. */
  readonly value: number
  /** Where the content of a field with a length lies. */
  readonly begin: number
  readonly end: number
}

const WINDOW = 1 << 16
/** A field's head is two numbers of 10 bytes at most, or one and 8 bytes. */
const HEAD = 20
const WIRE = { varint: 0, fixed64: 1, length: 2, fixed32: 5 } as const

/**
 * Reads the fields of a protobuf message from a file and skips what they hold: a model of gigabytes takes a few reads.
 * Encoding: protobuf.dev, "Encoding".
 */
export class ProtobufReader {
  readonly #file: FileHandle
  readonly #size: number
  readonly #path: string
  /** Fields that may yet be read: a file of small ones would take long. */
  #left: number
  #window: Uint8Array = new Uint8Array(0)
  #windowAt = 0

  constructor(file: FileHandle, size: number, path: string, maxFields: number) {
    this.#file = file
    this.#size = size
    this.#path = path
    this.#left = maxFields
  }

  /** The fields from one place to another. @throws SyntaxError where they are none */
  async *fields(begin: number, end: number): AsyncGenerator<ProtobufField, void, undefined> {
    for (let at = begin; at < end;) {
      if (this.#left-- === 0) throw new SyntaxError('more fields than any model has')
      if (!this.#has(at)) await this.#load(at)
      const head = new Head(this.#window, at - this.#windowAt)
      const tag = head.varint()
      const wire = tag % 8
      const value = wire === WIRE.varint ? head.varint() : Number.NaN
      const length = wire === WIRE.length ? head.varint() : wire === WIRE.fixed64 ? 8 : wire === WIRE.fixed32 ? 4 : 0
      const content = this.#windowAt + head.at
      if (!(Object.values(WIRE) as number[]).includes(wire) || tag < 8) throw new SyntaxError(`a field of no known kind at byte ${at}`)
      if (content + length > end) throw new SyntaxError('it is cut short')
      yield { number: Math.floor(tag / 8), value, begin: content, end: content + length }
      at = content + length
    }
  }

  /** What a field holds, as bytes. @throws SyntaxError where it is longer than that */
  async bytes({ begin, end }: ProtobufField, most: number): Promise<Uint8Array> {
    if (end - begin > most) throw new SyntaxError(`a text of ${end - begin} bytes`)
    return readAt(this.#file, begin, end - begin, this.#path)
  }

  async text(field: ProtobufField, most: number): Promise<string> {
    return new TextDecoder().decode(await this.bytes(field, most))
  }

  #has(at: number): boolean {
    const end = this.#windowAt + this.#window.length
    return at >= this.#windowAt && (at + HEAD <= end || (end === this.#size && at < end))
  }

  async #load(at: number): Promise<void> {
    this.#window = await readAt(this.#file, at, Math.min(WINDOW, this.#size - at), this.#path)
    this.#windowAt = at
  }
}

/** Numbers of 7 bits a byte, the lowest first. */
export class Head {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  varint(): number {
    let value = 0
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) throw new SyntaxError('it is cut short')
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return value
    }
    throw new SyntaxError('a number of more than 10 bytes')
  }
}
