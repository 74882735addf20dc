import { type JpegDecoder, type JpegRequest, jpegDecoder } from '../native/jpeg-decoder.js'
import { colourTables } from './colour-profile.js'
import type { Pixels, ResizeRule } from './decode.js'
import type { PathOrBytes } from './image-source.js'
import { type JpegHeader, readJpegHeader } from './jpeg-header.js'
import { endingOf, JPEG_ENDINGS } from './picture-names.js'
import { ReadBuffers } from './read-buffers.js'
import { middle, resized, type Size, type Window } from './resized.js'

/** Of a decoded picture, before it is resized: what is larger sharp decodes a few rows at a time. */
const MAX_BYTES = 2 ** 27
const MAX_SIDE = 0x3fff
/** Larger files are read bit by bit, by sharp. */
const MAX_FILE_BYTES = 2 ** 26

const buffers = new ReadBuffers()

/**
 * Decodes a JPEG of the common kinds by libjpeg-turbo: a picture that keeps its size has the very bytes of sharp's, but for an
 * embedded profile, where a level may differ by one. Nothing where there is no libjpeg-turbo, and for whatever is odd about
 * the file or wrong with it: sharp knows more kinds, and what to say. `size` is the file's, in bytes.
 */
export async function decodeJpeg(source: PathOrBytes, size: number, rule: ResizeRule): Promise<Pixels | undefined> {
  const decode = jpegDecoder()
  if (!decode) return undefined
  // A copy of the caller's: what it does with them meanwhile must not reach a thread that reads them.
  if (typeof source !== 'string') return source[0] === 0xff && source[1] === 0xd8 ? decodeBytes(decode, Uint8Array.from(source), rule) : undefined
  if (size > MAX_FILE_BYTES || !mayBeJpeg(source)) return undefined
  try {
    return await buffers.withFile(source, size, (bytes) => decodeBytes(decode, bytes, rule))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) return undefined // sharp will meet it too
    throw error
  }
}

/** By its name: what is another format's need not be read to find that out. */
function mayBeJpeg(path: string): boolean {
  const ending = endingOf(path)
  return ending === '' || JPEG_ENDINGS.has(ending)
}

async function decodeBytes(decode: JpegDecoder, bytes: Uint8Array, rule: ResizeRule): Promise<Pixels | undefined> {
  const header = readJpegHeader(bytes)
  const request = header && makeRequest(header, rule)
  const data = request && (await decode(bytes, request))
  if (!data) return undefined
  const { width, height } = upright(request.window, request.orientation)
  return { data, width, height }
}

function makeRequest(header: JpegHeader, rule: ResizeRule): JpegRequest | undefined {
  const { width, height, profile } = header
  const orientation = rule.orient ? header.orientation : 1
  const size = upright(header, orientation)
  const target = resized(size, rule.shorterSide, rule.enlarge)
  const changed = target.width !== size.width || target.height !== size.height
  if (changed && (!rule.antialias || Math.max(target.width, target.height) > MAX_SIDE)) return undefined
  if (rule.crop !== null && Math.min(target.width, target.height) < rule.crop) return undefined
  const by = shrinkOnLoad(Math.min(size.width / target.width, size.height / target.height))
  const decoded = { width: Math.ceil(width / by), height: Math.ceil(height / by) }
  if (decoded.width * decoded.height * 3 > MAX_BYTES) return undefined
  const colours = rule.profile && profile ? colourTables(profile) : undefined
  if (rule.profile && profile && !colours) return undefined
  const kept = rule.crop === null ? { left: 0, top: 0, ...target } : middle(target, rule.crop)
  return { decoded, resized: upright(target, orientation), window: stored(kept, target, orientation), orientation, colours }
}

/** What a JPEG is made smaller by as it is decoded, as sharp chooses it: a good part of the way is left for the resize. */
function shrinkOnLoad(shrink: number): number {
  const most = shrink >= 8 ? 8 : shrink >= 4 ? 4 : shrink >= 2 ? 2 : 1
  return most > 1 && Math.floor(shrink) === most ? most / 2 : most
}

/** A size as it is seen from the one that is stored, and the other way round. */
function upright({ width, height }: Size, orientation: number): Size {
  return orientation >= 5 ? { width: height, height: width } : { width, height }
}

/** Where in the picture as it is stored a window of the upright one lies. */
function stored({ left, top, width, height }: Window, all: Size, orientation: number): Window {
  const right = all.width - left - width
  const bottom = all.height - top - height
  const mirrored = [2, 3, 7, 8].includes(orientation)
  const upsideDown = [3, 4, 6, 7].includes(orientation)
  if (orientation < 5) return { left: mirrored ? right : left, top: upsideDown ? bottom : top, width, height }
  return { left: mirrored ? bottom : top, top: upsideDown ? right : left, width: height, height: width }
}
