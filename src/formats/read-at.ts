import { type FileHandle, open } from 'node:fs/promises'
import { TorchgraftError } from '../errors.js'
import { systemReason } from '../system-reason.js'

/** @throws ERR_FILE_FORMAT where there is no such file, or no right to read it */
export async function openForReading(path: string): Promise<FileHandle> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new TorchgraftError('ERR_FILE_FORMAT', missing ? `There is no file ${path}` : `Could not open ${path}: ${systemReason(cause)}`, { path, cause })
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
