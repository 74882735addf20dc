import { createHash, hash as hashOnce } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openDescriptor, READ_NOW, readDescriptor } from '../formats/files/descriptor.js'
import { systemReason } from '../text/system-reason.js'
import type { SkippedFile } from './image-folder.js'
import { errnoReason } from './list-images.js'
import { MAX_FILE_BYTES, TOO_LARGE_A_FILE } from '../images/image-errors.js'

/** Files that threads read at once: while some are read, others are hashed. */
const AT_ONCE = 16
/** Read at once of each: most images whole. */
const CHUNK = 1 << 18
const DIGITS = 32
/** Small files between two turns of the event loop, and the time that they may take: those that the system has in memory take a fifth of it. */
const STRETCH = 64
const STRETCH_MS = 5
const SMALL = 1 << 16
/** Files left to threads after a stretch that took longer: they wait for a disk, which several can do at once. */
const AWAY = 1024

/** An array, or what makes each path as it is asked for. */
interface Paths {
  readonly length: number
  at(i: number): string | undefined
}

/** For each path, in their order, the first 32 hex digits of the SHA-256 of the file's bytes; nothing for one that cannot be read, which is told of. */
export async function hashFiles(paths: Paths, signal?: AbortSignal): Promise<{ readonly hashes: readonly (string | undefined)[]; readonly failed: SkippedFile[] }> {
  const hashes = new Array<string | undefined>(paths.length)
  const failed = new Map<number, SkippedFile>()
  const keep = (i: number, found: string | SkippedFile): void => {
    if (typeof found === 'string') hashes[i] = found
    else failed.set(i, found)
  }
  const chunks = Array.from({ length: Math.min(AT_ONCE, paths.length) }, () => Buffer.allocUnsafeSlow(CHUNK))
  const byThreads = async (numbers: readonly number[]): Promise<void> => {
    let next = 0
    await Promise.all(chunks.map(async (chunk) => {
      for (let k = next++; k < numbers.length; k = next++) {
        signal?.throwIfAborted()
        const i = numbers[k] as number
        keep(i, await hashOne(paths.at(i) as string, chunk))
      }
    }))
  }
  for (let i = 0; i < paths.length; ) {
    signal?.throwIfAborted()
    const left: number[] = []
    const end = Math.min(paths.length, i + STRETCH)
    const until = performance.now() + STRETCH_MS
    for (; i < end && performance.now() < until; i++) {
      const found = hashSmall(paths.at(i) as string, chunks[0] as Buffer)
      if (found === undefined) left.push(i)
      else keep(i, found)
    }
    if (i < end) for (const far = Math.min(paths.length, i + AWAY); i < far; i++) left.push(i)
    await (left.length > 0 ? byThreads(left) : nextTurn())
  }
  return { hashes, failed: [...failed].sort(([a], [b]) => a - b).map(([, file]) => file) }
}

/** Here and now: handing a small file to a thread takes three times as long as reading it. Nothing for one that is large, or that cannot be read. */
function hashSmall(path: string, chunk: Buffer): string | undefined {
  let file: number | undefined
  try {
    file = openSync(path, READ_NOW)
    const info = fstatSync(file)
    if (!info.isFile() || info.size > SMALL || readSync(file, chunk, 0, SMALL + 1, 0) !== info.size) return undefined
    return shorten(hashOnce('sha256', chunk.subarray(0, info.size), 'hex'), chunk)
  } catch {
    return undefined // hashOne will meet it too, and tells why
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
    const { code } = cause as NodeJS.ErrnoException
    return { path, code: 'ERR_IMAGE_DECODE', message: code === 'ENOENT' ? 'it is gone' : (errnoReason(code) ?? `it cannot be read: ${systemReason(cause)}`) }
  } finally {
    if (file !== undefined) closeSync(file)
  }
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
  scratch.write(digits, 0, DIGITS, 'latin1')
  return scratch.toString('latin1', 0, DIGITS)
}
