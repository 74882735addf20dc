import { open, type FileHandle } from 'node:fs/promises'
import { syncFile } from '../formats/files/sync-file.js'
import { writeError } from '../formats/files/write-file.js'
import type { TrainingEvent } from './events.js'

/** Bytes looked at at once for the end of a line. */
const BLOCK = 1 << 16
const NEWLINE = 0x0a

/** `events.jsonl`: one event a line, each with its time. A resumed run goes on in the same file, after the last whole line. */
export class EventLog implements AsyncDisposable {
  readonly #path: string
  readonly #file: FileHandle
  readonly #now: () => Date

  private constructor(path: string, file: FileHandle, now: () => Date) {
    this.#path = path
    this.#file = file
    this.#now = now
  }

  static async open(path: string, now: () => Date = () => new Date()): Promise<EventLog> {
    try {
      const file = await open(path, 'a+')
      await dropCutLine(file)
      return new EventLog(path, file, now)
    } catch (cause) {
      throw writeError(path, cause)
    }
  }

  async write(event: TrainingEvent): Promise<void> {
    try {
      await this.#file.appendFile(`${JSON.stringify({ time: this.#now().toISOString(), ...event })}\n`)
    } catch (cause) {
      throw writeError(this.#path, cause)
    }
  }

  /** Brings to disk what was written: before a file that it must not fall behind. */
  async sync(): Promise<void> {
    try {
      await syncFile(this.#file)
    } catch (cause) {
      throw writeError(this.#path, cause)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

/** A crash or a full disk may leave half a line, which is no event. */
async function dropCutLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  for (let end = size; end > 0; ) {
    const begin = Math.max(0, end - BLOCK)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin)
    const whole = begin + buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1
    if (whole > begin || begin === 0) return whole < size ? file.truncate(whole) : undefined
    end = begin
  }
}
