// The orientation that a camera notes in EXIF.

/** Bytes of a number, by TIFF's types of whole numbers. @type {Readonly<Record<number, number>>} */
const BYTES = { 1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4 }
/** The type that EXIF asks for. */
const SHORT = 3
const ORIENTATION = 0x0112

/**
 * Of the first directory: `orientation` is 1 to 8, and 1 where there is none. Any type of whole number is taken, as libvips does and
 * not all browsers do. `isPlain`: whether all is as EXIF has it, so that every decoder understands the same.
 *
 * @param {Uint8Array} tiff
 * @returns {{ readonly orientation: number, readonly isPlain: boolean }}
 */
export function readOrientation(tiff) {
  const odd = { orientation: 1, isPlain: false }
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength)
  const order = tiff.length >= 8 ? view.getUint16(0) : 0
  const little = order === 0x4949
  if ((!little && order !== 0x4d4d) || view.getUint16(2, little) !== 42) return odd
  const directory = view.getUint32(4, little)
  if (directory + 2 > tiff.length) return odd
  const entries = view.getUint16(directory, little)
  const isWhole = directory + 2 + entries * 12 <= tiff.length
  for (let i = 0; i < entries && directory + 14 + i * 12 <= tiff.length; i++) {
    const entry = directory + 2 + i * 12
    if (view.getUint16(entry, little) !== ORIENTATION) continue
    const type = view.getUint16(entry + 2, little)
    const value = wholeNumber(view, entry + 8, BYTES[type], little)
    const isKnown = value >= 1 && value <= 8
    return { orientation: isKnown ? value : 1, isPlain: isWhole && isKnown && type === SHORT }
  }
  return { orientation: 1, isPlain: isWhole }
}

/** @param {DataView} view @param {number} at @param {number | undefined} bytes @param {boolean} little */
function wholeNumber(view, at, bytes, little) {
  if (bytes === 1) return view.getUint8(at)
  if (bytes === 2) return view.getUint16(at, little)
  return bytes === 4 ? view.getUint32(at, little) : 1
}
