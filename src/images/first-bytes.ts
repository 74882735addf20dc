import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openDescriptor, READ_NOW, readDescriptor } from '../formats/files/descriptor.js'
import { HEIC } from './image-errors.js'

/** What a file is by its first bytes: an image that can be read, one that cannot and why, or nothing known. */
export type Recognized = 'image' | { readonly reason: string } | undefined

const HEAD_BYTES = 64
/** Between two turns of the event loop. */
const STRETCH_MS = 5
/** Where no more were read in a stretch, they wait for a disk: threads take as many as AWAY, some at once. */
const FEW = 16
const AWAY = 1024
const AT_ONCE = 16
const NO_FILE: Recognized = { reason: 'not a file' }

/** A format's magic bytes, by their offset in the file. */
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
/** Brands of the files that both AVIF and HEIC images may be. */
const HEIF = /^.{4}ftyp(?:mif1|miaf|msf1|hei[cxms]|hev[cx])/s

export function recognizeBytes(head: Uint8Array): Recognized {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString('latin1')
  const has = (signature: Signature): boolean => signature.every(([at, bytes]) => text.startsWith(bytes, at))
  if (READABLE.some(has)) return 'image'
  if (HEIF.test(text)) return text.includes('avif') ? 'image' : { reason: HEIC }
  const unreadable = UNREADABLE.find(([signature]) => has(signature))
  return unreadable && { reason: `${unreadable[1]} images cannot be read: convert it to JPEG or PNG` }
}

/** Of several files, in their order; an error in the place of one that cannot be opened. */
export async function recognizeFiles(paths: readonly string[], signal?: AbortSignal): Promise<readonly (Recognized | Error)[]> {
  const found = new Array<Recognized | Error>(paths.length)
  for (let i = 0; i < paths.length; ) {
    signal?.throwIfAborted()
    const [first, until] = [i, performance.now() + STRETCH_MS]
    for (; i < paths.length && performance.now() < until; i++) found[i] = recognizeNow(paths[i] as string)
    const slow = i - first < FEW
    if (slow) await recognizeByThreads(paths, found, i, (i = Math.min(paths.length, i + AWAY)))
    else if (i < paths.length) await nextTurn()
  }
  return found
}

/** Handing a file that the system has in memory to a thread takes several times as long as reading its head. */
function recognizeNow(path: string): Recognized | Error {
  let file: number | undefined
  try {
    file = openSync(path, READ_NOW)
    if (!fstatSync(file).isFile()) return NO_FILE
    const head = Buffer.alloc(HEAD_BYTES)
    return recognizeBytes(head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0)))
  } catch (error) {
    return error as Error
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Several wait for a disk at once. */
async function recognizeByThreads(paths: readonly string[], found: (Recognized | Error)[], from: number, to: number): Promise<void> {
  let next = from
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, to - from) }, async () => {
    for (let i = next++; i < to; i = next++) found[i] = await recognizeFile(paths[i] as string).catch((error: Error) => error)
  }))
}

async function recognizeFile(path: string): Promise<Recognized> {
  const file = await openDescriptor(path, READ_NOW)
  try {
    if (!fstatSync(file).isFile()) return NO_FILE
    const head = Buffer.alloc(HEAD_BYTES)
    return recognizeBytes(head.subarray(0, await readDescriptor(file, head, 0)))
  } finally {
    closeSync(file) // this and fstat wait for no disk once a file is open
  }
}
