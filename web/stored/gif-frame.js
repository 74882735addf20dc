// The head of a GIF, up to its first frame.

const SCREEN_BYTES = 13
const [EXTENSION, FRAME, CONTROL] = [0x21, 0x2c, 0xf9]

/** @typedef {import('./gif-frame.js').FirstFrame} FirstFrame */

/** Of the file's first bytes; undefined where they end too early. @param {Uint8Array} bytes @returns {FirstFrame | undefined} */
export function readFirstFrame(bytes) {
  try {
    return read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (error) {
    if (error instanceof RangeError) return undefined // it leads out of itself
    throw error
  }
}

/** @param {DataView} view @returns {FirstFrame | undefined} */
function read(view) {
  let transparent = 0
  const transparencyAt = []
  let at = SCREEN_BYTES + paletteBytes(view.getUint8(10))
  for (; view.getUint8(at) === EXTENSION; at++) {
    if (view.getUint8(at + 1) === CONTROL && view.getUint8(at + 3) & 1) {
      transparent = view.getUint8(at + 6)
      transparencyAt.push(at + 3)
    }
    for (at += 2; view.getUint8(at) !== 0;) at += 1 + view.getUint8(at)
  }
  if (view.getUint8(at) !== FRAME) return undefined
  const number = (/** @type {number} */ place) => view.getUint16(at + place, true)
  const own = paletteBytes(view.getUint8(at + 9))
  const [palette, length] = own > 0 ? [at + 10, own] : [SCREEN_BYTES, paletteBytes(view.getUint8(10))]
  const level = (/** @type {number} */ channel) => (transparent * 3 < length ? view.getUint8(palette + transparent * 3 + channel) : 0)
  return { left: number(1), top: number(3), width: number(5), height: number(7), behind: [level(0), level(1), level(2)], transparencyAt }
}

/** @param {number} flags */
function paletteBytes(flags) {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0
}
