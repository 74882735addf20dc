// What a picture's file tells by its first bytes.

/** @typedef {import('./resample.js').Origin} Origin */

/** Enough for a camera's note of its orientation, which stands first. */
export const HEAD_BYTES = 1 << 17

/** @param {Uint8Array} head */
export function isHeic(head) {
  return /^ftyp(?:hei[cxms]|hev[cx]|mif1.{4}hei[cx])/s.test(latin1(head, 4, 20))
}

/** @param {Uint8Array} head @returns {Origin} */
export function originOf(head) {
  if (latin1(head, 0, 4) === 'RIFF' && latin1(head, 8, 4) === 'WEBP') return { format: 'webp', orientation: 1 }
  return head[0] === 0xff && head[1] === 0xd8 ? { format: 'jpeg', orientation: jpegOrientation(head) } : { format: 'other', orientation: 1 }
}

/** EXIF's orientation, 1 to 8; 1 where there is none. @param {Uint8Array} head */
function jpegOrientation(head) {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  for (let at = 2; at + 4 <= head.length && head[at] === 0xff && head[at + 1] !== 0xda; at += 2 + view.getUint16(at + 2)) {
    if (head[at + 1] === 0xe1 && latin1(head, at + 4, 6) === 'Exif\0\0') return tiffOrientation(head.subarray(at + 10, at + 2 + view.getUint16(at + 2)))
  }
  return 1
}

/** Tag 0x0112 of the first directory. @param {Uint8Array} tiff */
function tiffOrientation(tiff) {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength)
  const little = latin1(tiff, 0, 2) === 'II'
  const directory = tiff.length >= 8 ? view.getUint32(4, little) : Infinity
  const entries = directory + 2 <= tiff.length ? view.getUint16(directory, little) : 0
  for (let i = 0; i < entries && directory + 14 + i * 12 <= tiff.length; i++) {
    const entry = directory + 2 + i * 12
    if (view.getUint16(entry, little) !== 0x0112) continue
    const orientation = view.getUint16(entry + 8, little)
    return orientation >= 1 && orientation <= 8 ? orientation : 1
  }
  return 1
}

/** @param {Uint8Array} bytes @param {number} from @param {number} length */
function latin1(bytes, from, length) {
  return String.fromCharCode(...bytes.subarray(from, from + length))
}
