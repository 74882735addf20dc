import { TorchgraftError } from '../errors.js'

/**
 * What a pickle may hold here. Lists are arrays, tuples are `PickleTuple`s, dicts are `PickleDict`s; whatever REDUCE and
 * persistent ids stand for is made by the handlers.
 */
export class PickleTuple {
  readonly items: readonly unknown[]

  constructor(items: readonly unknown[]) {
    this.items = items
  }
}

export class PickleDict extends Map<unknown, unknown> {
  /** Made by `collections.OrderedDict()`. */
  readonly ordered: boolean

  constructor(ordered = false) {
    super()
    this.ordered = ordered
  }
}

/** A name that the pickle asks for: never looked up, only compared. */
export class PickleGlobal {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** The whole world that a pickle can reach. */
export interface PickleHandlers {
  /** Whether a global such as `torch.FloatStorage` is known. */
  knows(name: string): boolean
  /** What calling a global with these arguments stands for; undefined where it must not be called. */
  reduce(name: string, args: readonly unknown[]): unknown
  /** What a persistent id stands for. */
  persistent(id: unknown): unknown
}

/** Far above what any checkpoint has, so that a small file cannot ask for much memory: opcodes, dicts and lists and tuples, and marks inside one another. */
const MAX_STEPS = 5_000_000
const MAX_CONTAINERS = 500_000
const MAX_DEPTH = 1000
/** Bytes were wanted beyond the end: with more of the file it may go on. */
export class PickleEnd extends Error {}

/**
 * Interprets a pickle of protocol 2 as `torch.save` writes it, opcode by opcode. Nothing is executed: a global is a name,
 * a call is a question to the handlers, and whatever else there is in pickle's language is refused.
 *
 * @returns the object, and where the pickle ends
 * @throws ERR_PICKLE_REFUSED, naming what was met; PickleEnd
 */
export function interpretPickle(bytes: Uint8Array, handlers: PickleHandlers, path: string, from = 0): { readonly value: unknown; readonly end: number } {
  return new Interpreter(bytes, handlers, path, from).run()
}

class Interpreter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #handlers: PickleHandlers
  readonly #path: string
  #at: number
  #stack: unknown[] = []
  /** The stacks outside of each open mark. */
  readonly #outer: unknown[][] = []
  readonly #memo = new Map<number, unknown>()
  #steps = 0
  #containers = 0

  constructor(bytes: Uint8Array, handlers: PickleHandlers, path: string, from: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#handlers = handlers
    this.#path = path
    this.#at = from
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const opcode = this.#byte()
      if (++this.#steps > MAX_STEPS) throw this.#refuse('more steps than any model takes')
      if (opcode === 0x2e) return { value: this.#pop(), end: this.#at } // STOP
      this.#step(opcode)
    }
  }

  #step(opcode: number): void {
    switch (opcode) {
      case 0x80: { // PROTO
        const version = this.#byte()
        if (version !== 2) throw this.#refuse(`pickle protocol ${version}, where torch.save writes 2`)
        return
      }
      case 0x63: return this.#push(this.#global()) // GLOBAL
      case 0x28: // MARK
        if (this.#outer.length === MAX_DEPTH) throw this.#refuse(`marks ${MAX_DEPTH} deep`)
        this.#outer.push(this.#stack)
        this.#stack = []
        return
      case 0x71: return this.#remember(this.#byte()) // BINPUT
      case 0x72: return this.#remember(this.#uint32()) // LONG_BINPUT
      case 0x68: return this.#recall(this.#byte()) // BINGET
      case 0x6a: return this.#recall(this.#uint32()) // LONG_BINGET
      case 0x4e: return this.#push(null) // NONE
      case 0x88: return this.#push(true) // NEWTRUE
      case 0x89: return this.#push(false) // NEWFALSE
      case 0x4a: return this.#push(this.#view.getInt32(this.#take(4), true)) // BININT
      case 0x4b: return this.#push(this.#byte()) // BININT1
      case 0x4d: return this.#push(this.#view.getUint16(this.#take(2), true)) // BININT2
      case 0x8a: return this.#push(this.#long()) // LONG1
      case 0x47: return this.#push(this.#view.getFloat64(this.#take(8), false)) // BINFLOAT
      case 0x58: return this.#push(this.#text()) // BINUNICODE
      case 0x29: return this.#pushContainer(new PickleTuple([])) // EMPTY_TUPLE
      case 0x5d: return this.#pushContainer([]) // EMPTY_LIST
      case 0x7d: return this.#pushContainer(new PickleDict()) // EMPTY_DICT
      case 0x74: return this.#pushContainer(new PickleTuple(this.#closeMark())) // TUPLE
      case 0x85: case 0x86: case 0x87: return this.#pushContainer(new PickleTuple(this.#popMany(opcode - 0x84))) // TUPLE1–3
      case 0x61: return this.#append(this.#popMany(1)) // APPEND
      case 0x65: return this.#append(this.#closeMark()) // APPENDS
      case 0x73: return this.#setItems(this.#popMany(2)) // SETITEM
      case 0x75: return this.#setItems(this.#closeMark()) // SETITEMS
      case 0x51: return this.#push(this.#handlers.persistent(this.#pop())) // BINPERSID
      case 0x52: return this.#reduce() // REDUCE
      case 0x62: return this.#build() // BUILD
      default: throw this.#refuse(`opcode ${NAMES[opcode] ?? `0x${opcode.toString(16)}`}`)
    }
  }

  #reduce(): void {
    const [callable, args] = this.#popMany(2)
    if (!(callable instanceof PickleGlobal) || !(args instanceof PickleTuple)) throw this.#refuse('a call of something that is no known function')
    const value = this.#handlers.reduce(callable.name, args.items)
    if (value === undefined) throw this.#refuse(`a call of ${callable.name}`)
    this.#pushContainer(value)
  }

  /** A state_dict's `_metadata`, which says nothing that is needed here, is all that may be put into an object. */
  #build(): void {
    const [object, state] = this.#popMany(2)
    const plain = object instanceof PickleDict && object.ordered && state instanceof PickleDict && [...state.keys()].every((key) => key === '_metadata')
    if (!plain) throw this.#refuse('attributes of an object')
    this.#push(object)
  }

  #append(items: readonly unknown[]): void {
    const list = this.#stack.at(-1)
    if (!Array.isArray(list)) throw this.#refuse('items for what is no list')
    for (const item of items) list.push(item)
  }

  #setItems(items: readonly unknown[]): void {
    const dict = this.#stack.at(-1)
    if (!(dict instanceof PickleDict) || items.length % 2 !== 0) throw this.#refuse('entries for what is no dict')
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1])
  }

  #global(): PickleGlobal {
    const name = `${this.#line()}.${this.#line()}`
    if (!this.#handlers.knows(name)) throw this.#refuse(`the global ${name.slice(0, 200)}`)
    return new PickleGlobal(name)
  }

  #long(): number | bigint {
    const length = this.#byte()
    if (length > 16) throw this.#refuse(`an integer of ${length} bytes`)
    const begin = this.#take(length)
    let value = 0n
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[begin + i] ?? 0)
    if (length > 0 && ((this.#bytes[begin + length - 1] ?? 0) & 0x80) !== 0) value -= 1n << BigInt(8 * length)
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }

  #text(): string {
    const length = this.#uint32()
    const begin = this.#take(length)
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#bytes.subarray(begin, begin + length))
  }

  /** Up to a newline, as GLOBAL has its names. */
  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at)
    if (end < 0) throw new PickleEnd()
    const begin = this.#take(end + 1 - this.#at)
    return new TextDecoder('latin1').decode(this.#bytes.subarray(begin, end))
  }

  #remember(key: number): void {
    if (this.#stack.length === 0) throw this.#refuse('a stack that is empty')
    this.#memo.set(key, this.#stack.at(-1))
  }

  #recall(key: number): void {
    if (!this.#memo.has(key)) throw this.#refuse('a reference to nothing')
    this.#push(this.#memo.get(key))
  }

  #closeMark(): unknown[] {
    const items = this.#stack
    const outer = this.#outer.pop()
    if (!outer) throw this.#refuse('a mark that is missing')
    this.#stack = outer
    return items
  }

  #pushContainer(value: unknown): void {
    if (++this.#containers > MAX_CONTAINERS) throw this.#refuse('more dicts, lists and tuples than any model has')
    this.#push(value)
  }

  #push(value: unknown): void {
    this.#stack.push(value)
  }

  #pop(): unknown {
    return this.#popMany(1)[0]
  }

  #popMany(count: number): unknown[] {
    if (this.#stack.length < count) throw this.#refuse('a stack that is empty')
    return this.#stack.splice(-count)
  }

  #byte(): number {
    return this.#bytes[this.#take(1)] ?? 0
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  /** Where the next bytes begin, having gone past them. */
  #take(length: number): number {
    const begin = this.#at
    if (begin + length > this.#bytes.length) throw new PickleEnd()
    this.#at += length
    return begin
  }

  #refuse(what: string): TorchgraftError {
    return new TorchgraftError('ERR_PICKLE_REFUSED', `${this.#path} was not read: it holds ${what}, and only plain tensors in dicts and lists are taken. In Python: torch.save(model.state_dict(), FILE)`, { path: this.#path })
  }
}

/** Those that could be met, for the message. */
const NAMES: Readonly<Record<number, string>> = { 0x69: 'INST', 0x6f: 'OBJ', 0x81: 'NEWOBJ', 0x92: 'NEWOBJ_EX', 0x93: 'STACK_GLOBAL', 0x82: 'EXT1', 0x83: 'EXT2', 0x84: 'EXT4', 0x95: 'FRAME', 0x50: 'PERSID', 0x49: 'INT', 0x53: 'STRING' }
