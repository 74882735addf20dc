import { randomBytes } from 'node:crypto'
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TorchgraftError } from '../../errors.js'
import { syncFile } from './sync-file.js'
import { systemReason } from '../../text/system-reason.js'

/** What writing takes of a file system: easy to stand in for. */
export interface Files {
  open(path: string, flags: string): Promise<Pick<FileHandle, 'write' | 'sync' | 'close'>>
  link(existing: string, path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  rm(path: string, options: { readonly force: boolean }): Promise<void>
}

export const FILES: Files = { open: openFile, link, rename, rm }

async function openFile(path: string, flags: string): ReturnType<Files['open']> {
  const file = await open(path, flags)
  return { write: file.write.bind<FileHandle['write']>(file), sync: () => syncFile(file), close: () => file.close() }
}

/** Names of files that were being written: what a killed process leaves. */
export const TEMPORARY_FILE = /^\.[0-9a-f]{12}\.tmp$/

/**
 * Writes a file whole or not at all: a temporary file in the same folder, fsync, rename, fsync of the folder.
 *
 * @returns the file's bytes.
 * @throws ERR_WRITE; what stands at `path` then is what stood there, or all of the new file where only the folder's fsync failed.
 */
export async function writeFileWhole(
  path: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, files: Files = FILES,
): Promise<number> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await files.open(temporary, 'wx')
    let bytes = 0
    try {
      for await (const chunk of chunks) bytes += await writeAll(file, chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await files.rename(temporary, path)
    await syncFolder(dirname(path), files)
    return bytes
  } catch (cause) {
    await files.rm(temporary, { force: true }).catch(() => {}) // the first error is the one to tell
    throw writeError(path, cause)
  }
}

/** ERR_WRITE, with what to do about it. */
export function writeError(path: string, cause: unknown): TorchgraftError {
  return new TorchgraftError('ERR_WRITE', `Could not write ${path}: ${systemReason(cause)}${advice(cause)}`, { path, cause })
}

async function writeAll(file: Pick<FileHandle, 'write'>, chunk: Uint8Array): Promise<number> {
  let written = 0
  while (written < chunk.length) written += (await file.write(chunk, written)).bytesWritten
  return written
}

/** A rename is only safe from a power cut once its folder is on disk. Windows cannot open folders, and need not. */
async function syncFolder(folder: string, files: Files): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await files.open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    if (!CANNOT_SYNC_FOLDERS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    await handle.close()
  }
}

/** What some file systems of networks say to it, on which nothing more can be done. */
const CANNOT_SYNC_FOLDERS = ['EINVAL', 'ENOTSUP', 'ENOSYS']

function advice(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (['ENOSPC', 'EDQUOT'].includes(code)) return '. Free some space on that disk, or choose another folder'
  if (code === 'EIO') return '. The disk may be failing: look at it, or choose a folder on another'
  if (code === 'ENOENT') return '. Its folder is not there any more: was it removed?'
  return ['EACCES', 'EROFS', 'EPERM'].includes(code) ? '. Choose a folder that you may write to' : ''
}
