import { close, constants, fstat, open, read } from 'node:fs'
import { promisify } from 'node:util'
import { HEIC } from './picture-reasons.js'

/** What a file is by its first bytes: an image that can be read, one that cannot and why, or nothing known. */
export type Recognized = 'image' | { readonly reason: string } | undefined

const HEAD_BYTES = 64
/** Files that are waited for at once. */
const AT_ONCE = 16

/** Bytes by the place that they stand at. */
type Signature = readonly (readonly [at: number, bytes: string])[]

const READABLE: readonly Signature[] = [
  [[0, '\xff\xd8\xff']], // JPEG
  [[0, '\x89PNG\r\n\x1a\n']],
  [[0, 'GIF87a']],
  [[0, 'GIF89a']],
  [[0, 'RIFF'], [8, 'WEBP']],
  ...['II*\0', 'II+\0', 'MM\0*', 'MM\0+'].map((order): Signature => [[0, order]]), // TIFF, BigTIFF
  ...['avif', 'avis'].map((brand): Signature => [[4, 'ftyp'], [8, brand]]),
]
const UNREADABLE: readonly (readonly [Signature, string])[] = [
  // Two letters are too few to tell a BMP by: zeros and the size of its second header follow.
  ...['\x0c', '(', '4', '8', '@', 'l', '|'].map((size) => [[[0, 'BM'], [6, '\0\0\0\0'], [14, `${size}\0\0\0`]], 'BMP'] as const),
  [[[0, '\xff\x0a']], 'JPEG XL'],
  [[[0, '\0\0\0\x0cJXL ']], 'JPEG XL'],
  [[[0, '\0\0\0\x0cjP  ']], 'JPEG 2000'],
  [[[0, '8BPS']], 'Photoshop'],
]
/** Brands of the files that both AVIF and HEIC pictures may be. */
const HEIF = /^.{4}ftyp(?:mif1|miaf|msf1|hei[cxms]|hev[cx])/s

export function recognizeBytes(head: Uint8Array): Recognized {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString('latin1')
  const has = (signature: Signature): boolean => signature.every(([at, bytes]) => text.startsWith(bytes, at))
  if (READABLE.some(has)) return 'image'
  if (HEIF.test(text)) return text.includes('avif') ? 'image' : { reason: HEIC }
  const unreadable = UNREADABLE.find(([signature]) => has(signature))
  return unreadable && { reason: `${unreadable[1]} pictures cannot be read: convert it to JPEG or PNG` }
}

const openFile = promisify(open)
const statFile = promisify(fstat)
const closeFile = promisify(close)
const readHead = (file: number, into: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => read(file, into, 0, into.length, 0, (error, bytes) => (error ? reject(error) : resolve(bytes))))

/** @throws what the system says of a file that cannot be opened */
export async function recognizeFile(path: string): Promise<Recognized> {
  const file = await openFile(path, constants.O_RDONLY | constants.O_NONBLOCK) // a pipe is not waited for
  try {
    if (!(await statFile(file)).isFile()) return { reason: 'not a file' }
    const head = Buffer.alloc(HEAD_BYTES)
    return recognizeBytes(head.subarray(0, await readHead(file, head)))
  } finally {
    await closeFile(file)
  }
}

/** Of several files, in their order; an error in the place of one that cannot be opened. */
export async function recognizeFiles(paths: readonly string[], signal?: AbortSignal): Promise<readonly (Recognized | Error)[]> {
  const found = new Array<Recognized | Error>(paths.length)
  let next = 0
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, paths.length) }, async () => {
    for (let i = next++; i < paths.length; i = next++) {
      signal?.throwIfAborted()
      found[i] = await recognizeFile(paths[i] as string).catch((error: Error) => error)
    }
  }))
  return found
}
