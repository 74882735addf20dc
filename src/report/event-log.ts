import { open, type FileHandle } from 'node:fs/promises'
import { TorchgraftError } from '../errors.js'
import type { TrainingEvent } from '../train/events.js'

/** `events.jsonl`: one event a line, each with its time. A resumed run goes on in the same file. */
export class EventLog implements AsyncDisposable {
  readonly #path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  static async open(path: string): Promise<EventLog> {
    return new EventLog(path, await open(path, 'a').catch((cause: unknown) => Promise.reject(writeError(path, cause))))
  }

  async write(event: TrainingEvent): Promise<void> {
    try {
      await this.#file.appendFile(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`)
    } catch (cause) {
      throw writeError(this.#path, cause)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

function writeError(path: string, cause: unknown): TorchgraftError {
  return new TorchgraftError('ERR_WRITE', `Could not write ${path}: ${(cause as Error).message}`, { path, cause })
}
