// From a picture's file to the bytes or floats that the model takes, by the rule that its file tells.
import { atModelSize } from './fit.js'
import { HEAD_BYTES, isHeic, originOf } from './origin.js'
import { resizeByRule } from './resample.js'

/** @typedef {import('./resample.js').Pixels} Pixels */
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
    return atModelSize(resizeByRule(read(bitmap), resize, originOf(head, resize.orient)), resize, size)
  } catch (error) {
    throw new PictureError(`cannot be used: ${error instanceof Error ? error.message : error}`)
  } finally {
    bitmap.close()
  }
}

/** @param {Blob} file @param {ResizeRule} rule */
function decode(file, { orient, profile }) {
  return createImageBitmap(file, { imageOrientation: orient ? 'from-image' : 'none', colorSpaceConversion: profile ? 'default' : 'none', premultiplyAlpha: 'none' })
}

/** RGB as decoded: nothing is scaled here. @param {ImageBitmap} bitmap @returns {Pixels} */
function read(bitmap) {
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error(`there is no memory for ${width}×${height} pixels`)
  context.drawImage(bitmap, 0, 0)
  const rgba = context.getImageData(0, 0, width, height).data
  const data = new Uint8Array(width * height * 3)
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    data[to++] = Number(rgba[from])
    data[to++] = Number(rgba[from + 1])
    data[to++] = Number(rgba[from + 2])
  }
  return { data, width, height }
}
