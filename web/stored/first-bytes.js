// What an image's file is, by its first bytes.

/** @typedef {'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'other'} Format */

/** @param {Uint8Array} head @returns {Format} */
export function formatOf(head) {
  if (head[0] === 0xff && head[1] === 0xd8) return 'jpeg'
  if (latin1(head, 0, 8) === '\x89PNG\r\n\x1a\n') return 'png'
  if (latin1(head, 0, 4) === 'RIFF' && latin1(head, 8, 4) === 'WEBP') return 'webp'
  if (/^GIF8[79]a/.test(latin1(head, 0, 6))) return 'gif'
  return latin1(head, 4, 4) === 'ftyp' && /^(?:avi[fs]|mif1.{4}(?:.{4})*avif)/s.test(latin1(head, 8, 40)) ? 'avif' : 'other'
}

/** @param {Uint8Array} head */
export function isHeic(head) {
  return /^ftyp(?:hei[cxms]|hev[cx]|mif1.{4}hei[cx])/s.test(latin1(head, 4, 20))
}

/** Also in its variant for large files. @param {Uint8Array} head */
export function isTiff(head) {
  return /^(?:II[*+]\0|MM\0[*+])/.test(latin1(head, 0, 4))
}

/** @param {Uint8Array} bytes @param {number} from @param {number} length */
export function latin1(bytes, from, length) {
  return String.fromCharCode(...bytes.subarray(from, from + length))
}
