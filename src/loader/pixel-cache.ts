import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { availableParallelism, freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { systemReason } from '../text/system-reason.js'
import { decodeImage } from '../images/decode.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'
import type { ImageSource } from '../images/image-source.js'
import { Semaphore } from './semaphore.js'

/** A quarter of what is free now: training needs memory too. */
export function defaultCacheBytes(): number {
  return Math.floor(freemem() / 4)
}

/** Where an image's pixels lie in the file: height × width × 3 bytes from `position`. */
interface FileRange {
  readonly position: number
  readonly width: number
  readonly height: number
}

/**
 * A cache of decoded images by content: in memory up to `limit` bytes, then in one temporary file. Each is decoded once; a failure is
 * kept too. With a limit of 0 nothing is kept.
 */
export class PixelCache implements AsyncDisposable {
  readonly #rule: ResizeRule
  readonly #limit: number
  readonly #kept = new Map<string, Promise<Pixels | FileRange>>()
  readonly #decoding = new Semaphore(Math.max(2, availableParallelism()))
  #bytes = 0
  #disposed = false
  #file: Promise<FileHandle> | undefined
  #end = 0

  constructor(rule: ResizeRule, limit: number) {
    this.#rule = rule
    this.#limit = limit
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** `key` stands for the image's content. @throws ERR_DISPOSED besides what decoding throws */
  async get(key: string, image: ImageSource): Promise<Pixels> {
    if (this.#disposed) throw disposed()
    if (this.#limit === 0) return this.#decode(image)
    let kept = this.#kept.get(key)
    if (!kept) {
      kept = this.#decode(image).then((pixels) => this.#keep(pixels))
      this.#kept.set(key, kept)
    }
    const found = await kept
    return 'data' in found ? found : this.#read(found)
  }

  /** Closes the file, which has no name any more and so goes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file
    this.#disposed = true
    this.#kept.clear()
    this.#bytes = 0
    this.#file = undefined
    await (await file)?.close()
  }

  #decode(image: ImageSource): Promise<Pixels> {
    return this.#decoding.run(() => decodeImage(image, this.#rule))
  }

  async #keep(pixels: Pixels): Promise<Pixels | FileRange> {
    const { data, width, height } = pixels
    if (this.#disposed || this.#bytes + data.length <= this.#limit) {
      this.#bytes += data.length
      return pixels
    }
    const position = this.#end
    this.#end += data.length
    try {
      await writeAll(await (this.#file ??= openUnnamed()), data, position)
    } catch (cause) {
      const advice = 'Free some space there, or set TMPDIR to a folder with room'
      const message = `Could not keep decoded images in ${tmpdir()}: ${systemReason(cause)}. ${advice}`
      throw new TorchgraftError('ERR_WRITE', message, { path: tmpdir(), cause })
    }
    return { position, width, height }
  }

  async #read({ position, width, height }: FileRange): Promise<Pixels> {
    const data = new Uint8Array(width * height * 3)
    const file = await this.#file
    if (!file) throw disposed()
    for (let read = 0; read < data.length; ) {
      const { bytesRead } = await file.read(data, read, data.length - read, position + read)
      if (bytesRead === 0) throw new TorchgraftError('ERR_FILE_FORMAT', 'The file of decoded images was cut short while it was in use')
      read += bytesRead
    }
    return { data, width, height }
  }
}

function disposed(): TorchgraftError {
  return new TorchgraftError('ERR_DISPOSED', 'This data loader has been disposed of')
}

async function writeAll(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < data.length; ) {
    const { bytesWritten } = await file.write(data, written, data.length - written, position + written)
    written += bytesWritten
  }
}

/** A file that goes with the process, however that ends. Windows keeps its name, for the system to clean up. */
async function openUnnamed(): Promise<FileHandle> {
  const path = join(tmpdir(), `torchgraft-${randomBytes(6).toString('hex')}.pixels`)
  const file = await open(path, 'wx+', 0o600)
  await rm(path, { force: true }).catch(() => {})
  return file
}
