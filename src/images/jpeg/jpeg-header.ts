import { readOrientation } from '../../../web/stored/exif.js'
import { areScansWhole } from './jpeg-scans.js'

/** What a JPEG's markers tell. */
export interface JpegHeader {
  readonly width: number
  readonly height: number
  /** EXIF's, 1 to 8. */
  readonly orientation: number
  /** An embedded ICC profile. */
  readonly profile?: Uint8Array
}

/** Frames of 8 bits a sample that Huffman codes carry: baseline, extended, progressive. */
const PROGRESSIVE = 0xc2
const FRAMES: ReadonlySet<number> = new Set([0xc0, 0xc1, PROGRESSIVE])
const OTHER_FRAMES: ReadonlySet<number> = new Set([0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf])
const SCAN = 0xda
const END = 0xd9
const ICC = 'ICC_PROFILE\0'

/** The header of a JPEG in colour or grey as cameras and editors write it; nothing for any other file, and for what is odd about one. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return undefined
  let size: Pick<JpegHeader, 'width' | 'height'> | undefined
  let isGrey = false
  let isProgressive = false
  let orientation: number | undefined
  const profile: Uint8Array[] = []
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1] as number
    if (marker === 0xff) {
      at++ // fill
      continue
    }
    if (marker === SCAN) {
      if (!size || (isGrey && profile.length > 0) || !areScansWhole(bytes, at, isProgressive)) return undefined
      return { ...size, orientation: orientation ?? 1, ...(profile.length > 0 && { profile: join(profile) }) }
    }
    const length = view.getUint16(at + 2)
    const end = at + 2 + length
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= END) || length < 2 || end > bytes.length || OTHER_FRAMES.has(marker)) return undefined
    const body = bytes.subarray(at + 4, end)
    if (FRAMES.has(marker)) {
      if (size || body.length < 6 || body[0] !== 8 || (body[5] !== 3 && body[5] !== 1)) return undefined
      isGrey = body[5] === 1
      isProgressive = marker === PROGRESSIVE
      if (((body[7] ?? 0) & 15) === 4) return undefined // 4:4:1, which not every libjpeg-turbo knows
      size = { height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
      if (size.height === 0 || size.width === 0) return undefined
    } else if (marker === 0xe1) {
      if (orientation === undefined && startsWith(body, 'Exif\0\0')) {
        const found = readOrientation(body.subarray(6)) // a second block counts for nothing
        if (!found.isPlain) return undefined
        orientation = found.orientation
      }
      if (startsWith(body, 'http://ns.adobe.com/') && Buffer.from(body.buffer, body.byteOffset, body.length).includes('hdrgm')) return undefined // a second, brighter rendition is in it
    } else if (marker === 0xe2 && startsWith(body, ICC)) {
      const [part, parts] = [body[12], body[13]]
      if (part !== profile.length + 1 || parts === undefined || part > parts) return undefined
      profile.push(body.subarray(14))
    } else if (marker === 0xee && startsWith(body, 'Adobe') && body[11] !== 1) {
      return undefined // not YCbCr
    }
    at = end
  }
  return undefined
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
}
