import { storedWindow, uprightSize } from '../../../web/resample/orientation.js'
import { centreWindow, resizedSize, shrinkOnLoad, type Size } from '../../../web/resample/sizes.js'
import { type JpegDecoder, type JpegRequest, jpegDecoder } from './jpeg-decoder.js'
import { colourTables } from '../colour-profile.js'
import type { Pixels } from '../pixels.js'
import type { ResizeRule } from '../resize-rule.js'
import type { PathOrBytes } from '../image-source.js'
import { type JpegHeader, readJpegHeader } from './jpeg-header.js'
import { decodeWithoutAddon } from './jpeg-without-addon.js'
import { endingOf, JPEG_ENDINGS } from '../image-endings.js'
import { headOf, ReadBuffers } from '../read-buffers.js'

/** Of a decoded image, before it is resized: what is larger sharp decodes a few rows at a time. */
const MAX_BYTES = 2 ** 27
const MAX_SIDE = 0x3fff
/** Larger files are read bit by bit, by sharp. */
const MAX_FILE_BYTES = 2 ** 26

const buffers = new ReadBuffers()

/**
 * Decodes a JPEG of the common kinds by libjpeg-turbo, in the addon or as WebAssembly, which gives the same bytes. An image that keeps
 * its size has those of sharp's, but for an embedded profile, where a level may differ by one. Nothing for whatever is odd about
 * the file or wrong with it: sharp knows more kinds, and what to say. `size` is the file's, in bytes.
 */
export async function decodeJpeg(
  source: PathOrBytes, size: number, rule: ResizeRule, addon: JpegDecoder | null = jpegDecoder() ?? null,
): Promise<Pixels | undefined> {
  if (size > MAX_FILE_BYTES) return undefined
  // A copy of the caller's: what it does with them meanwhile must not reach a thread that reads them.
  if (typeof source !== 'string') return isJpeg(source) ? decodeBytes(Uint8Array.from(source), rule, addon) : undefined
  try {
    // JPEGs lie under other names too: those are told by their first bytes, and the rest of the file is not read for nothing.
    if (!JPEG_ENDINGS.has(endingOf(source)) && !isJpeg(await headOf(source, 3))) return undefined
    return await buffers.withFile(source, size, (bytes) => decodeBytes(bytes, rule, addon))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) return undefined // sharp will meet it too
    throw error
  }
}

function isJpeg(head: Uint8Array): boolean {
  return head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff
}

async function decodeBytes(bytes: Uint8Array, rule: ResizeRule, addon: JpegDecoder | null): Promise<Pixels | undefined> {
  const header = readJpegHeader(bytes)
  const request = header && makeRequest(header, rule)
  // What is not scaled sharp decodes to the same bytes, on a thread.
  if (!request || (addon === null && !request.colours && isSame(header, request.resized))) return undefined
  const data = await (addon ?? decodeWithoutAddon)(bytes, request)
  if (!data) return undefined
  const { width, height } = uprightSize(request.window, request.orientation)
  return { data, width, height }
}

function makeRequest(header: JpegHeader, rule: ResizeRule): JpegRequest | undefined {
  const { width, height, profile } = header
  const orientation = rule.orient ? header.orientation : 1
  const size = uprightSize(header, orientation)
  const target = resizedSize(size, rule.shorterSide, rule.enlarge)
  if (!isSame(size, target) && (!rule.antialias || Math.max(target.width, target.height) > MAX_SIDE)) return undefined
  if (rule.crop !== null && Math.min(target.width, target.height) < rule.crop) return undefined
  const by = shrinkOnLoad(size, target)
  const decoded = { width: Math.ceil(width / by), height: Math.ceil(height / by) }
  if (decoded.width * decoded.height * 3 > MAX_BYTES) return undefined
  const colours = rule.profile && profile ? colourTables(profile) : undefined
  if (rule.profile && profile && !colours) return undefined
  const kept = rule.crop === null ? { left: 0, top: 0, ...target } : centreWindow(target, rule.crop)
  return { decoded, resized: uprightSize(target, orientation), window: storedWindow(kept, target, orientation), orientation, colours }
}

function isSame(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height
}
