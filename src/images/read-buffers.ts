import { closeSync } from 'node:fs'
import { openDescriptor, readDescriptor } from '../formats/files/descriptor.js'
import type { PathOrBytes } from './image-source.js'

/** A larger file's memory is not kept. */
const LARGEST = 1 << 22
const KEPT = 8

/** Memory that files are read into, used again: each file's own would soon be garbage to collect. */
export class ReadBuffers {
  readonly #free: Uint8Array[] = []

  /** Lends a file's first `size` bytes to `use`, until that settles. */
  async withFile<T>(path: string, size: number, use: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    const buffer = this.#take(size)
    try {
      return await use(await readAll(path, buffer.subarray(0, size)))
    } finally {
      if (buffer.length <= LARGEST && this.#free.length < KEPT) this.#free.push(buffer)
    }
  }

  #take(size: number): Uint8Array {
    const fits = this.#free.findIndex(({ length }) => length >= size)
    if (fits >= 0) return this.#free.splice(fits, 1)[0] as Uint8Array
    this.#free.pop() // too small: a larger one takes its place
    return Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(Math.max(size, 1 << 16))))
  }
}

/** An image's first bytes, fewer where it has no more. */
export async function headOf(source: PathOrBytes, length: number): Promise<Uint8Array> {
  return typeof source === 'string' ? await readAll(source, Buffer.alloc(length)) : source.subarray(0, length)
}

async function readAll(path: string, buffer: Uint8Array): Promise<Uint8Array> {
  const file = await openDescriptor(path, 'r')
  try {
    let done = 0
    for (let bytes = -1; bytes !== 0 && done < buffer.length; done += bytes) bytes = await readDescriptor(file, buffer.subarray(done), done)
    return buffer.subarray(0, done)
  } finally {
    closeSync(file) // waits for no disk
  }
}
