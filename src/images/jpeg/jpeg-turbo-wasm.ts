import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Size } from '../../../web/resample/sizes.js'

/** libjpeg-turbo's TurboJPEG interface, and its memory. Functions tell of errors by a number other than 0, or throw. */
interface TurboJpeg {
  readonly memory: { readonly buffer: ArrayBuffer }
  malloc(bytes: number): number
  free(at: number): void
  tjInitDecompress(): number
  tjDestroy(handle: number): number
  tjDecompressHeader3(
    handle: number, bytes: number, length: number, width: number, height: number, subsampling: number, colours: number,
  ): number
  tjDecompress2(
    handle: number, bytes: number, length: number, rgb: number, width: number, pitch: number, height: number, format: number, flags: number,
  ): number
}

/** Node has it, and its types leave it out. */
declare const WebAssembly: {
  readonly compile: (bytes: Uint8Array) => Promise<object>
  readonly instantiate: (module: object, imports: object) => Promise<{ readonly exports: unknown }>
  readonly RuntimeError: ErrorConstructor
}

// Of turbojpeg.h, as native/images/jpeg_library.cc has them.
const RGB = 0
const ACCURATE_DCT = 4096
const STOP_ON_WARNING = 8192
/** Memory only grows: a library that holds more is given up after the image. */
const MAX_KEPT_BYTES = 2 ** 26

let compiled: Promise<object> | undefined
let kept: TurboJpeg | undefined

/**
 * Decodes a JPEG to RGB at a size that its own is a multiple of by 1, 2, 4 or 8, rounded up: byte for byte what libjpeg-turbo
 * gives elsewhere, on this thread and at about half its speed. Nothing for whatever is wrong with the file, a warning included.
 */
export async function decodeByWasm(bytes: Uint8Array, size: Size): Promise<Uint8Array | undefined> {
  compiled ??= compile()
  const library = (kept ??= (await WebAssembly.instantiate(await compiled, IMPORTS)).exports as TurboJpeg)
  try {
    return decode(library, bytes, size)
  } catch (error) {
    kept = undefined // left in the middle of something
    if (error instanceof LibraryError || error instanceof WebAssembly.RuntimeError) return undefined
    throw error
  } finally {
    if (library.memory.buffer.byteLength > MAX_KEPT_BYTES) kept = undefined
  }
}

async function compile(): Promise<object> {
  const path = createRequire(import.meta.url).resolve('@cwasm/jpeg-turbo/jpeg-turbo.wasm')
  return await WebAssembly.compile(await readFile(path))
}

/** Where C would jump back to what called the library. */
class LibraryError extends Error {}

const fail = (): never => {
  throw new LibraryError('libjpeg-turbo refuses the image')
}
const IMPORTS = {
  env: { setjmp: () => 0, longjmp: fail },
  wasi_snapshot_preview1: {
    proc_exit: fail, environ_sizes_get: () => 0, environ_get: () => 0, fd_close: fail, fd_seek: fail, fd_write: fail,
  },
}

function decode(library: TurboJpeg, bytes: Uint8Array, { width, height }: Size): Uint8Array | undefined {
  const rgbBytes = width * height * 3
  const allocated: number[] = []
  const allocate = (length: number): number => {
    const at = library.malloc(length)
    if (at === 0) fail()
    allocated.push(at)
    return at
  }
  const file = allocate(bytes.length)
  const header = allocate(16)
  const rgb = allocate(rgbBytes)
  new Uint8Array(library.memory.buffer).set(bytes, file)
  const handle = library.tjInitDecompress()
  if (handle === 0) fail()
  const isRead = library.tjDecompressHeader3(handle, file, bytes.length, header, header + 4, header + 8, header + 12) === 0
  const [fullWidth = 0, fullHeight = 0] = new Int32Array(library.memory.buffer, header, 2)
  // It takes the largest scale that fits: asked for what is no scale of the file, it would leave some of the memory as it is.
  const fits = [1, 2, 4, 8].some((by) => Math.ceil(fullWidth / by) === width && Math.ceil(fullHeight / by) === height)
  const flags = ACCURATE_DCT | STOP_ON_WARNING
  const done = isRead && fits && library.tjDecompress2(handle, file, bytes.length, rgb, width, /* pitch: */ 0, height, RGB, flags) === 0
  const pixels = done ? new Uint8Array(library.memory.buffer, rgb, rgbBytes).slice() : undefined
  library.tjDestroy(handle)
  for (const at of allocated) library.free(at)
  return pixels
}
