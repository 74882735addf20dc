import { fsync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'

const fsyncNumber = promisify(fsync)

/** Brings to disk what was written to a file: by its number, since the files of Yarn's Plug'n'Play have no `sync`. */
export function syncFile({ fd }: Pick<FileHandle, 'fd'>): Promise<void> {
  return fsyncNumber(fd)
}
