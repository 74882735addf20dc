import { createHash, hash as hashOnce } from 'node:crypto'
import { closeSync, fstatSync, open, read } from 'node:fs'
import { promisify } from 'node:util'
import type { SkippedFile } from './image-folder.js'
import { why } from './list-pictures.js'
import { MAX_FILE_BYTES, TOO_LARGE_A_FILE } from './picture-reasons.js'

/** Files read at once: while some are read, others are hashed. */
const AT_ONCE = 16
/** Read at once of each: most pictures whole. */
const CHUNK = 1 << 18
const DIGITS = 32

/** For each path, in their order, the first 32 hex digits of the SHA-256 of the file's bytes; nothing for one that cannot be read, which is told of. */
export async function hashFiles(paths: readonly string[], signal?: AbortSignal): Promise<{ readonly hashes: readonly (string | undefined)[]; readonly failed: SkippedFile[] }> {
  const hashes = new Array<string | undefined>(paths.length)
  const failed = new Map<number, SkippedFile>()
  let next = 0
  const work = async (): Promise<void> => {
    const chunk = Buffer.allocUnsafeSlow(CHUNK)
    for (let i = next++; i < paths.length; i = next++) {
      signal?.throwIfAborted()
      const found = await hashOne(paths[i] as string, chunk)
      if (typeof found === 'string') hashes[i] = found
      else failed.set(i, found)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, paths.length) }, work))
  return { hashes, failed: [...failed].sort(([a], [b]) => a - b).map(([, file]) => file) }
}

// Promises' own file handles take several times as long. Of an open file size and closing wait for no disk, and take less time here
// than on their way to another thread.
const openFile = promisify(open)
const readFrom = (file: number, into: Uint8Array, length: number, position: number): Promise<number> =>
  new Promise((resolve, reject) => read(file, into, 0, length, position, (error, bytes) => (error ? reject(error) : resolve(bytes))))

async function hashOne(path: string, chunk: Buffer): Promise<string | SkippedFile> {
  let file: number | undefined
  try {
    file = await openFile(path, 'r')
    const info = fstatSync(file)
    if (!info.isFile()) return { path, code: 'ERR_IMAGE_DECODE', message: 'not a file' }
    if (info.size > MAX_FILE_BYTES) return { path, code: 'ERR_IMAGE_TOO_LARGE', message: TOO_LARGE_A_FILE }
    return await hashContent(file, info.size, chunk)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    return { path, code: 'ERR_IMAGE_DECODE', message: code === 'ENOENT' ? 'it is gone' : (why(code) ?? `it cannot be read: ${message}`) }
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

async function hashContent(file: number, size: number, chunk: Buffer): Promise<string> {
  const first = await readFrom(file, chunk, chunk.length, 0)
  if (first === size && first < chunk.length) return shorten(hashOnce('sha256', chunk.subarray(0, first), 'hex'), chunk)
  const hash = createHash('sha256')
  for (let bytes = first, position = first; bytes > 0; position += bytes) {
    hash.update(chunk.subarray(0, bytes))
    bytes = await readFrom(file, chunk, chunk.length, position)
  }
  return shorten(hash.digest('hex'), chunk)
}

/** The first digits, copied: a slice would keep all of them in memory. */
function shorten(digits: string, scratch: Buffer): string {
  scratch.write(digits, 0, DIGITS, 'latin1')
  return scratch.toString('latin1', 0, DIGITS)
}
