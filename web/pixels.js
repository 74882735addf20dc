// From a picture's file to the bytes or floats that the model takes, by the rule that its file tells.
import { atModelSize } from './fit.js'
import { HEAD_BYTES, isHeic, originOf } from './origin.js'
import { resizeByRule } from './resample.js'
import { turnedBack } from './turn.js'

/** @typedef {import('./resample.js').Rule & { readonly orient: boolean, readonly profile: boolean }} ResizeRule */

const NOT_A_PICTURE = 'is not a picture that this browser can read. Try a photo as JPEG, PNG or WebP'
const HEIC = 'is HEIC, which this browser cannot read. Save it as JPEG first, or set the camera to its most compatible format'

/** Told to whoever chose the file; the name stands before it. */
export class PictureError extends Error {}

/**
 * @param {Blob} file
 * @param {{ readonly resize: ResizeRule, readonly size: number }} model
 * @throws PictureError
 */
export async function pixelsFor(file, { resize, size }) {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer())
  const bitmap = await decode(file, resize).catch(() => {
    throw new PictureError(isHeic(head) ? HEIC : NOT_A_PICTURE)
  })
  try {
    const origin = originOf(head)
    const { rgba, width, height } = read(bitmap)
    const decoded = { data: rgbOf(isOpaque(rgba) ? rgba : (readTransparent(bitmap) ?? rgba)), width, height }
    const pixels = resize.orient ? resizeByRule(decoded, resize, origin) : resizeByRule(turnedBack(decoded, origin.orientation), resize, { ...origin, orientation: 1 })
    return atModelSize(pixels, resize, size)
  } catch (error) {
    throw new PictureError(`cannot be used: ${error instanceof Error ? error.message : error}`)
  } finally {
    bitmap.close()
  }
}

/** Turned as the camera says: not all browsers can be told otherwise. @param {Blob} file @param {ResizeRule} rule */
function decode(file, { profile }) {
  return createImageBitmap(file, { imageOrientation: 'from-image', colorSpaceConversion: profile ? 'default' : 'none', premultiplyAlpha: 'none' })
}

/** As decoded: nothing is scaled here. @param {ImageBitmap} bitmap */
function read(bitmap) {
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error(`there is no memory for ${width}×${height} pixels`)
  context.drawImage(bitmap, 0, 0)
  return { rgba: context.getImageData(0, 0, width, height).data, width, height }
}

/** @param {Uint8ClampedArray} rgba */
function isOpaque(rgba) {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return false
  return true
}

/**
 * A canvas forgets the colours of what cannot be seen, and torchgraft drops transparency alone: they are read as a texture, where
 * the browser has that and the picture is not too large for it.
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
