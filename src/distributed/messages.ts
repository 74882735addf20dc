import type { Socket } from 'node:net'
import { TorchgraftError } from '../errors.js'
import { parseJson } from '../formats/parse-json.js'
import { fileSize } from '../text/format.js'
import { systemReason } from '../text/system-reason.js'

/** What ranks say to each other, beside libtorch's collectives: numbers, names and reasons, never tensors. */
export type Message =
  /** The first one, from a rank to rank 0. */
  | { readonly type: 'hello'; readonly token: string; readonly rank: number; readonly process: string }
  /** Every second, so that silence means something. */
  | { readonly type: 'alive' }
  /** A rank's part of a round, to rank 0. */
  | { readonly type: 'part'; readonly round: number; readonly what: string; readonly value: unknown }
  /** Of rank 0 to all: every rank's part, or what it alone says. */
  | { readonly type: 'round'; readonly round: number; readonly what: string; readonly value: unknown }
  /** A rank has failed, and so all have. */
  | { readonly type: 'failed'; readonly rank: number; readonly spoke: boolean; readonly message: string }
  /** A rank is done: its connection closes. */
  | { readonly type: 'leave' }

const HEADER_BYTES = 4
/** A list of all images of a large data set is the longest. */
const MOST_BYTES = 256 * 2 ** 20
/** Before a connection has said who it is. */
const MOST_HELLO_BYTES = 4096

/** A connection as messages: a length of four bytes, then JSON. */
export class MessageSocket {
  readonly #socket: Socket
  #received: Buffer[] = []
  #bytes = 0
  /** Bytes that the next message takes, as far as is known. */
  #needed = HEADER_BYTES
  #most = MOST_HELLO_BYTES
  /** What comes before there is a handler waits for it. */
  #early: Message[] = []
  #onMessage = (message: Message): void => void this.#early.push(message)
  #ended: string | undefined
  #onEnd: (reason: string) => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (data) => this.#receive(data))
    socket.on('error', (error) => this.#end(systemReason(error)))
    socket.on('close', () => this.#end('its connection was closed'))
  }

  /** Called with the next message alone: those after it wait. */
  onFirst(handler: (message: Message) => void): void {
    const wait = this.#onMessage
    this.#onMessage = (message) => {
      this.#onMessage = wait
      handler(message)
    }
  }

  onMessage(handler: (message: Message) => void): void {
    this.#onMessage = handler
    for (const message of this.#early.splice(0)) handler(message)
  }

  /** Called once, when the connection is over, whoever ended it. */
  onEnd(handler: (reason: string) => void): void {
    this.#onEnd = handler
    if (this.#ended !== undefined) handler(this.#ended)
  }

  /** From now on the other side is known: its messages may be long. */
  trust(): void {
    this.#most = MOST_BYTES
  }

  send(message: Message): void {
    const body = Buffer.from(JSON.stringify(message))
    if (body.length > MOST_BYTES) throw new TorchgraftError('ERR_DISTRIBUTED', `A message to another rank is longer than ${fileSize(MOST_BYTES)}`)
    const header = Buffer.alloc(HEADER_BYTES)
    header.writeUInt32LE(body.length)
    if (this.#socket.writable) this.#socket.write(Buffer.concat([header, body]))
  }

  /** Sends what was written, then closes. */
  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(data: Buffer): void {
    this.#received.push(data)
    this.#bytes += data.length
    while (this.#bytes >= this.#needed) {
      const whole = this.#received.length === 1 ? this.#received[0]! : Buffer.concat(this.#received)
      const length = whole.readUInt32LE()
      this.#received = [whole]
      this.#needed = HEADER_BYTES + length
      if (length > this.#most) return this.#refuse(`it sent a message of ${fileSize(length)}`)
      if (whole.length < this.#needed) return
      const message = parse(whole.subarray(HEADER_BYTES, this.#needed))
      this.#received = [whole.subarray(this.#needed)]
      this.#bytes = whole.length - this.#needed
      this.#needed = HEADER_BYTES
      if (!message) return this.#refuse('it sent what is no message')
      this.#onMessage(message)
    }
  }

  #refuse(reason: string): void {
    this.#end(reason)
    this.destroy()
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#onEnd(reason)
  }
}

const TYPES: ReadonlySet<unknown> = new Set<Message['type']>(['hello', 'alive', 'part', 'round', 'failed', 'leave'])

function parse(bytes: Buffer): Message | undefined {
  try {
    const value = parseJson(bytes.toString()) as { readonly type?: unknown } | null
    return TYPES.has(value?.type) ? (value as Message) : undefined
  } catch {
    return undefined
  }
}
