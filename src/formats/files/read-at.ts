import { type FileHandle, open } from 'node:fs/promises'
import { TorchgraftError } from '../../errors.js'
import { systemReason } from '../../text/system-reason.js'

/** @throws ERR_FILE_FORMAT where there is no such file, or no right to read it */
export async function openForReading(path: string): Promise<FileHandle> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const message = missing ? `There is no file ${path}` : `Could not open ${path}: ${systemReason(cause)}`
    throw new TorchgraftError('ERR_FILE_FORMAT', message, { path, cause })
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new TorchgraftError('ERR_FILE_FORMAT', `${path} is not a file`, { path })
}

/** @throws ERR_FILE_FORMAT where the file has fewer bytes */
export async function readAt(file: FileHandle, position: number, length: number, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(length)
  await readInto(file, position, buffer, path)
  return buffer
}

/** Fills the buffer. @throws ERR_FILE_FORMAT where the file has fewer bytes */
export async function readInto(file: FileHandle, position: number, buffer: Uint8Array, path: string): Promise<void> {
  let read = 0
  while (read < buffer.length) {
    const { bytesRead } = await file.read(buffer, read, buffer.length - read, position + read)
    if (bytesRead === 0) throw new TorchgraftError('ERR_FILE_FORMAT', `${path} is cut short`, { path })
    read += bytesRead
  }
}

const WINDOW = 1 << 12

/** Reads small parts of a file one behind the other, many with each call of the system. */
export class WindowedFile {
  readonly #file: FileHandle
  readonly #size: number
  readonly #path: string
  #window: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #at = 0

  constructor(file: FileHandle, size: number, path: string) {
    this.#file = file
    this.#size = size
    this.#path = path
  }

  /** What lies there, until the next call. @throws ERR_FILE_FORMAT where the file has fewer bytes */
  async readAt(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (length > WINDOW) return readAt(this.#file, position, length, this.#path)
    if (position < this.#at || position + length > this.#at + this.#window.length) {
      this.#window = await readAt(this.#file, position, Math.max(length, Math.min(WINDOW, this.#size - position)), this.#path)
      this.#at = position
    }
    return this.#window.subarray(position - this.#at, position - this.#at + length)
  }
}
