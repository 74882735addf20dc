import { constants, open, read } from 'node:fs'
import { promisify } from 'node:util'

// Files by their descriptors: the handles of node:fs/promises take several times as long for small reads. Of a file that is open,
// `fstatSync` and `closeSync` wait for no disk, and take less time here than on their way to another thread.

/** Opens a file on a thread of libuv's pool. */
export const openDescriptor = promisify(open)

/** Flags for reading where a pipe that stands in a file's place is not waited for. */
export const READ_NOW = constants.O_RDONLY | constants.O_NONBLOCK

/** Fills a buffer from a place in a file, on a thread of libuv's pool. @returns bytes read, 0 at the file's end */
export function readDescriptor(file: number, into: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(file, into, 0, into.length, position, (error, bytes) => (error ? reject(error) : resolve(bytes)))
  })
}
