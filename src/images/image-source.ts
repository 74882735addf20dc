import { types } from 'node:util'
import { argumentError, TorchgraftError } from '../errors.js'
import { aPath, isUrl, toPath } from '../options/local-path.js'
import { MAX_FILE_BYTES, TOO_LARGE_A_FILE } from './image-errors.js'

/** An image file: its path, a `file:` URL, or its bytes. */
export type ImageSource = string | URL | Uint8Array | ArrayBuffer | Blob

/** What is left to tell apart once it was read. */
export type PathOrBytes = string | Uint8Array

const EXPECTED = 'a path, a file: URL, a Uint8Array, an ArrayBuffer or a Blob'
const NO_BYTES = 'what was given is empty, or was handed to another thread'
const PATH = aPath('an image file')

/**
 * The path or the bytes that an image stands for, whatever it was given as.
 *
 * @throws ERR_ARGUMENT, naming what was received: no image file can be meant by it; ERR_IMAGE_TOO_LARGE
 */
export async function readImageSource(image: unknown, name: string): Promise<PathOrBytes> {
  if (isUrl(image) || (typeof image === 'string' && image !== '')) {
    PATH(image, name)
    return toPath(image)
  }
  const bytes = bytesOf(image) ?? (isBlob(image) ? await readBlob(image) : undefined)
  if (!bytes) throw argumentError(EXPECTED, name, image)
  if (types.isSharedArrayBuffer(bytes.buffer)) throw argumentError(`${EXPECTED}, copied out of shared memory,`, name, image)
  if (bytes.length === 0) throw new TorchgraftError('ERR_ARGUMENT', (option) => `Expected the bytes of an image file for ${option(name)} but received none: ${NO_BYTES}`)
  if (bytes.length > MAX_FILE_BYTES) throw tooLarge()
  return bytes
}

/** A view of bytes, or nothing; of bytes that were handed to another thread none are left. */
function bytesOf(image: unknown): Uint8Array | undefined {
  if (types.isUint8Array(image)) return image
  return types.isAnyArrayBuffer(image) ? new Uint8Array(image) : undefined
}

/** By its shape: other libraries bring classes of their own. */
function isBlob(image: unknown): image is Blob {
  if (typeof image !== 'object' || image === null) return false
  const { size, arrayBuffer } = image as Partial<Blob>
  const named = /^\[object (?:Blob|File)\]$/.test(Object.prototype.toString.call(image))
  return named && typeof size === 'number' && typeof arrayBuffer === 'function'
}

async function readBlob(blob: Blob): Promise<Uint8Array> {
  if (blob.size > MAX_FILE_BYTES) throw tooLarge()
  return new Uint8Array(await blob.arrayBuffer())
}

function tooLarge(): TorchgraftError {
  return new TorchgraftError('ERR_IMAGE_TOO_LARGE', TOO_LARGE_A_FILE)
}
