import { randomBytes } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TorchgraftError } from '../errors.js'

/**
 * Writes a file whole or not at all: a temporary file in the same folder, fsync, rename, fsync of the folder.
 *
 * @returns the file's bytes.
 * @throws ERR_WRITE, with what stood at `path` before still there.
 */
export async function writeFileWhole(path: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx')
    let bytes = 0
    try {
      for await (const chunk of chunks) bytes += await writeAll(file, chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
    return bytes
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {}) // the first error is the one to tell
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TorchgraftError('ERR_WRITE', `Could not write ${path}: ${reason}${advice(cause)}`, { path, cause })
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<number> {
  let written = 0
  while (written < chunk.length) written += (await file.write(chunk, written)).bytesWritten
  return written
}

/** A rename is only safe from a power cut once its folder is on disk. Windows cannot open folders, and need not. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function advice(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (['ENOSPC', 'EDQUOT'].includes(code)) return '. Free some space on that disk, or choose another folder'
  return ['EACCES', 'EROFS', 'EPERM'].includes(code) ? '. Choose a folder that you may write to' : ''
}
