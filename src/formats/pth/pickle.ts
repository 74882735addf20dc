import { TorchgraftError } from '../../errors.js'
import { PickleReader } from './pickle-reader.js'
import { PickleDict, PickleGlobal, PickleObject, PickleTuple } from './pickle-values.js'
import { REFUSED_OPCODES } from './refused-opcodes.js'

/** What stands in for Python's `Unpickler.find_class` and `persistent_load`: all that a pickle can reach outside of itself. */
export interface PickleHandlers {
  /** Whether a global such as `torch.FloatStorage` is known. */
  knows(name: string): boolean
  /** What calling a global with these arguments stands for; undefined where it must not be called. */
  reduce(name: string, args: readonly unknown[]): unknown
  /** What a persistent id stands for. */
  persistent(id: unknown): unknown
}

/**
 * Far above what any checkpoint has, so that a small file cannot ask for much memory: opcodes, dicts and lists and tuples,
 * things remembered, and marks inside one another.
 */
const MAX_STEPS = 5_000_000
const MAX_CONTAINERS = 500_000
const MAX_MEMO = 1_000_000
const MAX_DEPTH = 1000
const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true })
const STRICT_UTF8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
const READABLE = [
  'Only what torch.load(FILE, weights_only=True) takes is read: tensors, numbers and texts in dicts and lists.',
  'In Python: torch.save(model.state_dict(), FILE)',
].join(' ')

/**
 * Interprets a pickle as `torch.save` writes it, opcode by opcode. Nothing is executed: a global is a name, a call is a
 * question to the handlers, and the opcodes taken are those of `torch.load(weights_only=True)`; whatever else there is in
 * pickle's language is refused.
 *
 * @returns the object, and where the pickle ends
 * @throws ERR_PICKLE_REFUSED, naming the opcode, the global or the call; PickleEnd
 */
export function interpretPickle(
  bytes: Uint8Array, handlers: PickleHandlers, path: string, from = 0,
): { readonly value: unknown; readonly end: number } {
  return new Interpreter(bytes, handlers, path, from).run()
}

class Interpreter {
  readonly #reader: PickleReader
  readonly #handlers: PickleHandlers
  readonly #path: string
  #stack: unknown[] = []
  /** The stacks outside of each open mark. */
  readonly #outer: unknown[][] = []
  readonly #memo = new Map<number, unknown>()
  #steps = 0
  #protocol = 2
  #containers = 0

  constructor(bytes: Uint8Array, handlers: PickleHandlers, path: string, from: number) {
    this.#reader = new PickleReader(bytes, from)
    this.#handlers = handlers
    this.#path = path
  }

  run(): { value: unknown; end: number } {
    for (;;) {
      const opcode = this.#reader.byte()
      if (++this.#steps > MAX_STEPS) throw this.#refuse('more steps than any model takes')
      if (opcode === 0x2e) return { value: this.#pop(), end: this.#reader.at } // STOP
      this.#step(opcode)
    }
  }

  #step(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        this.#protocol = this.#reader.byte()
        return
      case 0x63: return this.#push(this.#global()) // GLOBAL
      case 0x28: // MARK
        if (this.#outer.length === MAX_DEPTH) throw this.#refuse(`marks ${MAX_DEPTH} deep`)
        this.#outer.push(this.#stack)
        this.#stack = []
        return
      case 0x71: return this.#remember(this.#reader.byte()) // BINPUT
      case 0x72: return this.#remember(this.#reader.uint32()) // LONG_BINPUT
      case 0x68: return this.#recall(this.#reader.byte()) // BINGET
      case 0x6a: return this.#recall(this.#reader.uint32()) // LONG_BINGET
      case 0x4e: return this.#push(null) // NONE
      case 0x88: return this.#push(true) // NEWTRUE
      case 0x89: return this.#push(false) // NEWFALSE
      case 0x4a: return this.#push(this.#reader.int32()) // BININT
      case 0x4b: return this.#push(this.#reader.byte()) // BININT1
      case 0x4d: return this.#push(this.#reader.uint16()) // BININT2
      case 0x8a: return this.#push(this.#reader.long()) // LONG1
      case 0x47: return this.#push(this.#reader.float64()) // BINFLOAT
      case 0x58: return this.#push(this.#text(UTF8, this.#reader.uint32())) // BINUNICODE
      case 0x55: return this.#push(this.#text(STRICT_UTF8, this.#reader.byte())) // SHORT_BINSTRING: Python 2's texts
      case 0x8f: return this.#pushContainer(new PickleObject('a set')) // EMPTY_SET
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
      case 0x52: case 0x81: return this.#reduce() // REDUCE, NEWOBJ: of the classes that are known they make the same
      case 0x62: return this.#build() // BUILD
      default: throw this.#refuse(this.#describe(opcode))
    }
  }

  #describe(opcode: number): string {
    const protocol = this.#protocol === 2 ? '' : ` of pickle protocol ${this.#protocol}, where torch.save writes 2`
    return `opcode ${REFUSED_OPCODES[opcode] ?? `0x${opcode.toString(16)}`}${protocol}`
  }

  #reduce(): void {
    const [callable, args] = this.#popMany(2)
    if (!(callable instanceof PickleGlobal) || !(args instanceof PickleTuple))
      throw this.#refuse('a call of something that is no known function')
    const value = this.#handlers.reduce(callable.name, args.items)
    if (value === undefined) throw this.#refuse(`a call of ${callable.name}`)
    this.#pushContainer(value)
  }

  /** An OrderedDict alone may have attributes: a state_dict's `_metadata`. Nothing of them is needed here, and they are left out. */
  #build(): void {
    const [object, state] = this.#popMany(2)
    if (!(object instanceof PickleDict && object.ordered && state instanceof PickleDict)) throw this.#refuse('attributes of an object')
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
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]
      if (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint') dict.set(key, items[i + 1])
      else if (Array.isArray(key)) throw this.#refuse('a list as a key of a dict, which Python does not take either')
      else if (key instanceof PickleDict) throw this.#refuse('a dict as a key of a dict, which Python does not take either')
    }
  }

  #global(): PickleGlobal {
    const name = `${this.#reader.line()}.${this.#reader.line()}`
    if (!this.#handlers.knows(name)) throw this.#refuse(`the global ${name.slice(0, 200)}, an object of Python’s`)
    return new PickleGlobal(name)
  }

  #text(decoder: typeof UTF8, length: number): string {
    const bytes = this.#reader.bytes(length)
    try {
      return decoder.decode(bytes)
    } catch {
      throw this.#refuse('a text that is not UTF-8')
    }
  }

  #remember(key: number): void {
    if (this.#stack.length === 0) throw this.#refuse('a stack that is empty')
    if (this.#memo.size === MAX_MEMO && !this.#memo.has(key)) throw this.#refuse('more shared parts than any model has')
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

  #refuse(what: string): TorchgraftError {
    const path = this.#path
    return new TorchgraftError('ERR_PICKLE_REFUSED', `${path} was not read: it holds ${what}. ${READABLE}`, { path })
  }
}
