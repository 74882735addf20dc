// The colours of what a browser decoded, also of what cannot be seen: torchgraft drops transparency alone.
import { NOTES } from './notes.js'

/** @typedef {Pick<import('./stored/stored.js').Stored, 'behind' | 'halves'>} How */

/**
 * Red, green and blue as decoded: nothing is scaled here.
 *
 * @param {ImageBitmap} bitmap
 * @param {How} how
 * @returns {{ readonly data: Uint8Array, readonly note?: string }}
 */
export function readRgb(bitmap, { behind, halves }) {
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error(`there is no memory for ${width}×${height} pixels`)
  context.drawImage(bitmap, 0, 0)
  const seen = context.getImageData(0, 0, width, height).data
  if (!halves && isOpaque(seen)) return { data: rgbOf(seen) }
  if (behind) return { data: rgbOf(filled(seen, behind)) }
  const all = readTransparent(bitmap)
  if (halves) return { data: clipped(all ?? missing()) }
  return all ? { data: rgbOf(all) } : { data: rgbOf(seen), note: NOTES.transparent }
}

/** @returns {never} */
function missing() {
  throw new Error('it is grey with 16 bits, which this browser does not tell: save it with 8 bits first')
}

/** Where no frame is. @param {Uint8ClampedArray} rgba @param {readonly number[]} colour */
function filled(rgba, colour) {
  for (let i = 0; i < rgba.length; i += 4) if (rgba[i + 3] === 0) rgba.set(colour, i)
  return rgba
}

/** What is above 8 bits is white, as in Pillow. @param {Uint8Array} rgba upper half, twice more, and lower half */
function clipped(rgba) {
  const data = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) data.fill(rgba[from] === 0 ? (rgba[from + 3] ?? 0) : 255, to, to + 3)
  return data
}

/** @param {Uint8ClampedArray} rgba */
function isOpaque(rgba) {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return false
  return true
}

/**
 * A canvas forgets the colours of what cannot be seen: they are read as a texture, where the browser has that and the image is not
 * too large for it.
 *
 * @param {ImageBitmap} bitmap
 */
function readTransparent(bitmap) {
  const { width, height } = bitmap
  const gl = new OffscreenCanvas(1, 1).getContext('webgl')
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return undefined
  const texture = gl.createTexture()
  gl.bindTexture(gl.TEXTURE_2D, texture)
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap)
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer())
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0)
  const rgba = new Uint8Array(width * height * 4)
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, rgba)
  gl.getExtension('WEBGL_lose_context')?.loseContext() // a page may have few of them
  return rgba
}

/** @param {Uint8ClampedArray | Uint8Array} rgba */
function rgbOf(rgba) {
  const data = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    data[to++] = rgba[from] ?? 0
    data[to++] = rgba[from + 1] ?? 0
    data[to++] = rgba[from + 2] ?? 0
  }
  return data
}
