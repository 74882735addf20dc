import { readOrientation } from './exif.js'
import { NOTES } from '../notes.js'
import { latin1 } from './first-bytes.js'
import { useOf } from './profile.js'

const [EXIF, ICC] = ['Exif\0\0', 'ICC_PROFILE\0']
/** Where in a segment its part of a profile begins, after the marker, the length, the name and the numbers. */
const PART_AT = 4 + ICC.length + 2
const FRAME = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf])
const [APP0, APP1, APP2, APP14, APP15, SCAN, END] = [0xe0, 0xe1, 0xe2, 0xee, 0xef, 0xda, 0xd9]

/**
 * Without its notes: EXIF, XMP, a brighter rendition, a profile that is not applied.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {{ readonly profile: boolean }} rule
 * @returns {import('./stored.js').Stored}
 */
export function storedJpeg(bytes, rule) {
  const kept = [bytes.subarray(0, 2)]
  /** @type {Uint8Array | undefined} */
  let exif
  /** By their numbers, from 1: the last of each counts. @type {Map<number, Uint8Array<ArrayBuffer>>} */
  const icc = new Map()
  let components = 0
  let from = bytes.length
  for (const { marker, at, end } of segments(bytes)) {
    from = end
    if (marker === SCAN) {
      from = at
      break
    }
    const body = bytes.subarray(at + 4, end)
    if (FRAME.has(marker)) components = body[5] ?? 0
    if (marker === APP1 && latin1(body, 0, EXIF.length) === EXIF) exif ??= body.subarray(EXIF.length)
    const part = marker === APP2 && latin1(body, 0, ICC.length) === ICC ? body[ICC.length] : undefined
    if (part) icc.set(part, bytes.subarray(at, end))
    if (marker <= APP0 || marker > APP15 || marker === APP14) kept.push(bytes.subarray(at, end))
  }
  const parts = [...icc].sort(([a], [b]) => a - b).map(([, part]) => part)
  const { profile, note } = rule.profile ? useOf(joined(parts), { grey: components === 1 }) : { profile: false }
  if (profile) kept.push(...parts.map(numbered))
  const why = components === 4 ? NOTES.cmyk : note
  const orientation = exif ? readOrientation(exif).orientation : 1
  return { parts: [...kept, bytes.subarray(from)], format: 'jpeg', orientation, profile, ...(why !== undefined && { note: why }) }
}

/** Up to the first scan, with what libjpeg passes over between them. @param {Uint8Array} bytes */
function* segments(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 2; at + 4 <= bytes.length;) {
    const marker = bytes[at + 1] ?? 0
    if (bytes[at] !== 0xff || marker === 0xff) at++
    else if (marker < 0xc0 || (marker >= 0xd0 && marker < END)) at += 2 // there is nothing in them
    else {
      const end = at + 2 + view.getUint16(at + 2)
      if (marker === END || end > bytes.length) return
      yield { marker, at, end }
      at = end
    }
  }
}

/** @param {readonly Uint8Array[]} parts */
function joined(parts) {
  const bytes = parts.flatMap((part) => [...part.subarray(PART_AT)])
  return bytes.length > 0 ? Uint8Array.from(bytes) : undefined
}

/**
 * As browsers want them: from 1, with how many there are.
 *
 * @param {Uint8Array<ArrayBuffer>} part @param {number} i @param {readonly Uint8Array[]} all
 */
function numbered(part, i, all) {
  return part.with(PART_AT - 2, i + 1).with(PART_AT - 1, all.length)
}
