import { readOrientation } from './exif.js'
import { latin1 } from './first-bytes.js'
import { useOf } from './profile.js'

/** Of the extended header. */
const [ANIMATED, XMP, EXIF, ALPHA, ICC] = [0x02, 0x04, 0x08, 0x10, 0x20]
const HEADER_BYTES = 12
const [EXIF_PREFIX, PREFIX_BYTES] = ['Exif\0\0', 6]

/**
 * Without its notes, a profile that is not applied, and the transparency that is stored beside the colours.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {{ readonly profile: boolean }} rule
 * @returns {import('./stored.js').Stored}
 */
export function storedWebp(bytes, rule) {
  const { chunks, rest } = read(bytes)
  const [first] = chunks
  const extended = first?.type === 'VP8X' ? first.data : undefined
  const flags = extended?.[0] ?? 0
  const named = (/** @type {string} */ type) => chunks.find((chunk) => chunk.type === type)?.data
  const exif = flags & EXIF ? named('EXIF') : undefined
  const { profile, note } = rule.profile ? useOf(flags & ICC ? named('ICCP') : undefined, { grey: false }) : { profile: false }
  const left = new Set(['EXIF', 'XMP ', ...(profile ? [] : ['ICCP']), ...(flags & ANIMATED ? [] : ['ALPH'])])
  if (extended) extended[0] = flags & ~(EXIF | XMP | (profile ? 0 : ICC) | (named('ALPH') ? ALPHA : 0))
  const kept = [...chunks.filter(({ type }) => !left.has(type)).map(({ whole }) => whole), rest]
  return {
    parts: [header(kept.reduce((sum, { length }) => sum + length, 0)), ...kept],
    // The decoder scales it only where it has no transparency.
    format: flags & ALPHA || hasAlpha(named('VP8L')) ? 'other' : 'webp',
    orientation: exif ? readOrientation(withoutPrefix(exif)).orientation : 1,
    profile,
    ...(note !== undefined && { note }),
  }
}

/** EXIF as TIFF has it: some programs put JPEG's prefix before it. @param {Uint8Array} exif */
function withoutPrefix(exif) {
  return latin1(exif, 0, PREFIX_BYTES) === EXIF_PREFIX ? exif.subarray(PREFIX_BYTES) : exif
}

/** A lossless frame's own word. @param {Uint8Array | undefined} frame */
function hasAlpha(frame) {
  return frame !== undefined && ((frame[4] ?? 0) & 0x10) !== 0
}

/** Whole chunks, and what is cut short. @param {Uint8Array<ArrayBuffer>} bytes */
function read(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = Math.min(bytes.length, 8 + view.getUint32(4, true))
  const chunks = []
  let at = HEADER_BYTES
  while (at + 8 <= length) {
    const size = view.getUint32(at + 4, true)
    const end = at + 8 + size + (size % 2)
    if (end > length) break
    chunks.push({ type: latin1(bytes, at, 4), data: bytes.subarray(at + 8, at + 8 + size), whole: bytes.subarray(at, end) })
    at = end
  }
  return { chunks, rest: bytes.subarray(at, length) }
}

/** @param {number} length of the chunks */
function header(length) {
  const bytes = new TextEncoder().encode('RIFF    WEBP')
  new DataView(bytes.buffer).setUint32(4, length + 4, true)
  return bytes
}
