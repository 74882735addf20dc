import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { locateLibtorch } from '../../../scripts/libtorch/locate.mjs'
import { addonFiles, buildFolder } from '../../../scripts/common/paths.mjs'
import type { ColourTables } from '../colour-profile.js'
import type { Size, Window } from '../../../web/resample/sizes.js'
import { packageRoot } from '../../package.js'

/** What is to become of a JPEG. Sizes and places are those of the stored image, before it is set upright. */
export interface JpegRequest {
  /** The file's size divided by 1, 2, 4 or 8, rounded up. */
  readonly decoded: Size
  /** What that is scaled to. */
  readonly resized: Size
  /** What is kept of it. */
  readonly window: Window
  /** EXIF's, 1 to 8. */
  readonly orientation: number
  readonly colours: ColourTables | undefined
}

/** Nothing for a file that libjpeg-turbo refuses or warns of. */
export type JpegDecoder = (bytes: Uint8Array, request: JpegRequest) => Promise<Uint8Array | undefined>

/** What `torchgraft_images` exports. */
interface ImagesBinding {
  open(library: string): void
  /** `numbers`: decoded width and height, resized width and height, the window's left, top, width and height, orientation. */
  decode(bytes: Uint8Array, numbers: Int32Array, into: Uint8Array, light?: Float32Array, levels?: Uint8Array): Promise<boolean>
}

/** Systems that the library lies here for, put there by set-up. */
const PREBUILT = ['linux-x64', 'linux-arm64']

let opened: { readonly decode: JpegDecoder | undefined } | undefined

/** libjpeg-turbo, opened at its first use; nothing where it or the addon is not there. */
export function jpegDecoder(): JpegDecoder | undefined {
  return (opened ??= { decode: open() }).decode
}

function open(): JpegDecoder | undefined {
  const system = `${process.platform}-${process.arch}`
  const { found } = locateLibtorch({ root: packageRoot() })
  if (!PREBUILT.includes(system) || !found) return undefined
  const { images } = addonFiles(buildFolder(packageRoot(), process.env, found))
  if (!existsSync(images)) return undefined
  const require = createRequire(import.meta.url)
  try {
    const binding = require(images) as ImagesBinding
    binding.open(join(packageRoot(), 'prebuilt', system, 'libturbojpeg.so.0'))
    return (bytes, request) => decodeWith(binding, bytes, request)
  } catch {
    return undefined // it is not there, or not for this system: WebAssembly decodes
  }
}

async function decodeWith(binding: ImagesBinding, bytes: Uint8Array, request: JpegRequest): Promise<Uint8Array | undefined> {
  const { decoded, resized, window, orientation, colours } = request
  const { left, top, width, height } = window
  const numbers = Int32Array.of(decoded.width, decoded.height, resized.width, resized.height, left, top, width, height, orientation)
  const into = new Uint8Array(Buffer.allocUnsafeSlow(width * height * 3).buffer)
  return (await binding.decode(bytes, numbers, into, colours?.light, colours?.levels)) ? into : undefined
}
