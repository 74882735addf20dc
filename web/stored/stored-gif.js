const SCREEN_BYTES = 13
const [EXTENSION, IMAGE, CONTROL] = [0x21, 0x2c, 0xf9]

/**
 * Its first frame opaque: what is transparent has a colour too, and Pillow takes that, also for what the frame does not cover.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes they are written to
 * @returns {import('./stored.js').Stored}
 */
export function storedGif(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let transparent = 0
  let [palette, length] = [SCREEN_BYTES, paletteBytes(bytes[10])]
  let at = palette + length
  while (at + 10 <= bytes.length && bytes[at] === EXTENSION) {
    const flags = bytes[at + 3] ?? 0
    if (bytes[at + 1] === CONTROL && (flags & 1) !== 0) {
      transparent = bytes[at + 6] ?? 0
      view.setUint8(at + 3, flags & ~1)
    }
    for (at += 2; (bytes[at] ?? 0) !== 0;) at += 1 + (bytes[at] ?? 0)
    at++
  }
  if (bytes[at] === IMAGE && paletteBytes(bytes[at + 9]) > 0) [palette, length] = [at + 10, paletteBytes(bytes[at + 9])]
  const colour = palette + transparent * 3
  const behind = transparent * 3 < length ? [...bytes.subarray(colour, colour + 3)] : [0, 0, 0]
  return { parts: [bytes], format: 'other', orientation: 1, profile: false, behind }
}

/** @param {number | undefined} flags */
function paletteBytes(flags = 0) {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0
}
