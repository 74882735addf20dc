import { hashFile } from '../formats/hash-file.js'
import type { SkippedFile } from './image-folder.js'
import { type ListedPicture, why } from './list-pictures.js'

export interface HashedPicture extends ListedPicture {
  /** The first 32 hex digits of the SHA-256 of the file's bytes. */
  readonly hash: string
}

/** Files read at once. */
const AT_ONCE = 8

/** Hashes files in their order. One that cannot be read is told of, not thrown. */
export async function hashFiles(pictures: readonly ListedPicture[], signal?: AbortSignal): Promise<{ readonly hashed: HashedPicture[]; readonly failed: SkippedFile[] }> {
  const results: (HashedPicture | SkippedFile)[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < pictures.length; i = next++) {
      signal?.throwIfAborted()
      results[i] = await hashOne(pictures[i] as ListedPicture)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { hashed: results.filter((result) => 'hash' in result), failed: results.filter((result) => 'code' in result) }
}

async function hashOne(picture: ListedPicture): Promise<HashedPicture | SkippedFile> {
  try {
    return { ...picture, hash: (await hashFile(picture.path)).slice(0, 32) }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    return { path: picture.path, code: 'ERR_IMAGE_DECODE', message: why(code) ?? `it cannot be read: ${message}` }
  }
}
