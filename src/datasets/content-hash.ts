import { createHash, hash as hashOnce } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openDescriptor, READ_NOW, readDescriptor } from '../formats/files/descriptor.js'
import { MAX_FILE_BYTES, TOO_LARGE_A_FILE } from '../images/image-errors.js'
import { permissionReason, systemReason } from '../text/system-reason.js'
import type { SkippedFile } from './skipped-file.js'

const HASH_DIGITS = 32
/** Files up to this size are read on this thread: handing one to another takes three times as long as reading it. */
const SMALL_BYTES = 1 << 16
/** The most that this thread reads in a turn of the event loop. Files that the system has in memory take a fifth of the time. */
const TURN_FILES = 64
const TURN_MS = 5
/** Files left to other threads after a turn that took longer: they wait for a disk, which several can do at once. */
const LEFT_TO_THREADS = 1024
/** Files that other threads read at once: while some are read, others are hashed. */
const READERS = 16
/** Bytes that a reader takes at a time: most images whole. */
const CHUNK_BYTES = 1 << 18

/** An array, or what makes each path as it is asked for. */
interface Paths {
  readonly length: number
  at(i: number): string | undefined
}

export interface HashedFiles {
  /** In the paths' order; undefined for a file that cannot be read. */
  readonly hashes: readonly (string | undefined)[]
  /** Those that cannot be read, in the same order. */
  readonly failed: SkippedFile[]
}

/**
 * The first 32 hex digits of the SHA-256 of each file's bytes: images of equal content have equal ones, whatever their names.
 *
 * Small files are read on this thread, in turns of some milliseconds between which the event loop goes on; large ones, and
 * those after a turn that had to wait for the disk, by libuv's threads.
 *
 * @throws `signal.reason` when aborted; never for a file, which `failed` names instead
 */
export async function hashFiles(paths: Paths, signal?: AbortSignal): Promise<HashedFiles> {
  const hasher = new FileHasher(paths, signal)
  for (let i = 0; i < paths.length; ) {
    signal?.throwIfAborted()
    const { end, left } = hasher.hashHere(i)
    await (left.length > 0 ? hasher.hashByThreads(left) : nextTurn())
    i = end
  }
  return { hashes: hasher.hashes, failed: hasher.failed }
}

class FileHasher {
  readonly hashes: (string | undefined)[]
  readonly #paths: Paths
  readonly #signal: AbortSignal | undefined
  readonly #failed = new Map<number, SkippedFile>()
  /** A reader's memory each. */
  readonly #chunks: readonly Buffer[]

  constructor(paths: Paths, signal: AbortSignal | undefined) {
    this.hashes = new Array<string | undefined>(paths.length)
    this.#paths = paths
    this.#signal = signal
    this.#chunks = Array.from({ length: Math.min(READERS, paths.length) }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES))
  }

  get failed(): SkippedFile[] {
    return [...this.#failed].sort(([a], [b]) => a - b).map(([, file]) => file)
  }

  /** One turn of small files, from number `from`: where it ended, and which files before that are left to threads. */
  hashHere(from: number): { readonly end: number; readonly left: readonly number[] } {
    const { length } = this.#paths
    const left: number[] = []
    const turnEnd = Math.min(length, from + TURN_FILES)
    const until = performance.now() + TURN_MS
    let i = from
    for (; i < turnEnd && performance.now() < until; i++) {
      const hash = hashSmall(this.#path(i), this.#chunks[0] as Buffer)
      if (hash === undefined) left.push(i)
      else this.hashes[i] = hash
    }
    if (i === turnEnd) return { end: i, left }
    for (const end = Math.min(length, i + LEFT_TO_THREADS); i < end; i++) left.push(i)
    return { end: i, left }
  }

  async hashByThreads(numbers: readonly number[]): Promise<void> {
    let next = 0
    const readers = this.#chunks.map(async (chunk) => {
      for (let k = next++; k < numbers.length; k = next++) {
        this.#signal?.throwIfAborted()
        const i = numbers[k] as number
        const found = await hashOne(this.#path(i), chunk)
        if (typeof found === 'string') this.hashes[i] = found
        else this.#failed.set(i, found)
      }
    })
    await Promise.all(readers)
  }

  #path(i: number): string {
    return this.#paths.at(i) as string
  }
}

/** Reads a small file on this thread. Nothing for one that is large, or that cannot be read. */
function hashSmall(path: string, chunk: Buffer): string | undefined {
  let file: number | undefined
  try {
    file = openSync(path, READ_NOW)
    const info = fstatSync(file)
    if (!info.isFile() || info.size > SMALL_BYTES) return undefined
    if (readSync(file, chunk, 0, SMALL_BYTES + 1, 0) !== info.size) return undefined
    return shorten(hashOnce('sha256', chunk.subarray(0, info.size), 'hex'), chunk)
  } catch {
    return undefined // hashOne fails too, and gives the reason
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

async function hashOne(path: string, chunk: Buffer): Promise<string | SkippedFile> {
  let file: number | undefined
  try {
    file = await openDescriptor(path, 'r')
    const info = fstatSync(file)
    if (!info.isFile()) return { path, code: 'ERR_IMAGE_DECODE', message: 'not a file' }
    if (info.size > MAX_FILE_BYTES) return { path, code: 'ERR_IMAGE_TOO_LARGE', message: TOO_LARGE_A_FILE }
    return await hashContent(file, info.size, chunk)
  } catch (cause) {
    return { path, code: 'ERR_IMAGE_DECODE', message: whyNotRead(cause) }
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function whyNotRead(cause: unknown): string {
  if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return 'it is gone'
  return permissionReason(cause) ?? `it cannot be read: ${systemReason(cause)}`
}

async function hashContent(file: number, size: number, chunk: Buffer): Promise<string> {
  const first = await readDescriptor(file, chunk, 0)
  if (first === size && first < chunk.length) return shorten(hashOnce('sha256', chunk.subarray(0, first), 'hex'), chunk)
  const hash = createHash('sha256')
  for (let bytes = first, position = first; bytes > 0; position += bytes) {
    hash.update(chunk.subarray(0, bytes))
    bytes = await readDescriptor(file, chunk, position)
  }
  return shorten(hash.digest('hex'), chunk)
}

/** The first digits, copied: a slice would keep all of them in memory. */
function shorten(digits: string, scratch: Buffer): string {
  scratch.write(digits, 0, HASH_DIGITS, 'latin1')
  return scratch.toString('latin1', 0, HASH_DIGITS)
}
