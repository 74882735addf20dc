import { readFirstFrame } from './gif-frame.js'

/**
 * Its first frame opaque: what is transparent has a colour too, and Pillow takes that, also for what the frame does not cover.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes they are written to
 * @returns {import('./stored.js').Stored}
 */
export function storedGif(bytes) {
  const { behind = [0, 0, 0], transparencyAt = [] } = readFirstFrame(bytes) ?? {}
  for (const at of transparencyAt) bytes[at] = (bytes[at] ?? 0) & ~1
  return { parts: [bytes], format: 'other', orientation: 1, profile: false, behind }
}
