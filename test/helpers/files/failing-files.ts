import { type Files, FILES } from '../../../src/formats/files/write-file.js'

export type FileOperation = 'open' | 'write' | 'sync' | 'close' | 'link' | 'rename' | 'rm'

/** An error as the system gives it. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: as if`), { code })
}

/**
 * The real file system, watched: `before` is told of each operation, counted from 1 and by name, and may throw in its place.
 * A write of which it returns `half` is cut short and throws.
 */
export function watchedFiles(before: (count: number, name: FileOperation, path: string) => 'half' | undefined): Files & { readonly done: FileOperation[] } {
  const done: FileOperation[] = []
  const tell = (name: FileOperation, path: string): 'half' | undefined => before(done.push(name), name, path)
  return {
    done,
    open: async (path, flags) => {
      tell('open', path)
      const file = await FILES.open(path, flags)
      return {
        write: (async (chunk: Uint8Array, offset: number) => {
          const cut = tell('write', path)
          if (cut) {
            await file.write(chunk.subarray(0, chunk.length >> 1))
            throw systemError('ENOSPC')
          }
          return file.write(chunk, offset)
        }) as typeof file.write,
        sync: async () => (tell('sync', path), file.sync()),
        close: async () => {
          await file.close() // whatever is told: else the test would leak it
          tell('close', path)
        },
      }
    },
    link: async (existing, path) => (tell('link', path), FILES.link(existing, path)),
    rename: async (from, to) => (tell('rename', to), FILES.rename(from, to)),
    rm: async (path, options) => (tell('rm', path), FILES.rm(path, options)),
  }
}
