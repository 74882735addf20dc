// From an image's file to the bytes or floats that the model takes, by the rule that its file tells.
import { readRgb } from './bitmap.js'
import { atModelSize } from './resample/fit.js'
import { isHeic, isTiff } from './stored/first-bytes.js'
import { resizeByRule } from './resample/resample.js'
import { stored } from './stored/stored.js'
import { turned } from './resample/orientation.js'

/** @typedef {import('./resample/resample.js').Rule & { readonly orient: boolean, readonly profile: boolean }} ResizeRule */
/** @typedef {import('./stored/stored.js').Stored} Stored */
/**
 * @typedef {{ readonly pixels: Uint8Array | Float32Array, readonly note: string | undefined }} Prepared
 *   `note`: why torchgraft predict may see other pixels
 */

const NOT_AN_IMAGE = 'is not an image that this browser can read. Try a photo as JPEG, PNG or WebP'
const HEIC = 'is HEIC, which this browser cannot read. Save it as JPEG first, or set the camera to its most compatible format'
const TIFF = 'is TIFF, which this browser cannot read. Save it as JPEG or PNG first'

/** Told to whoever chose the file; the name stands before it. */
export class ImageError extends Error {}

/**
 * @param {Blob} file
 * @param {{ readonly resize: ResizeRule, readonly size: number }} model
 * @returns {Promise<Prepared>}
 * @throws ImageError
 */
export async function pixelsFor(file, { resize, size }) {
  const bytes = new Uint8Array(await file.arrayBuffer())
  const refusal = isHeic(bytes) ? HEIC : isTiff(bytes) ? TIFF : NOT_AN_IMAGE
  const origin = await stored(bytes, resize)
  const bitmap = await decode(origin).catch(() => {
    throw new ImageError(refusal)
  })
  try {
    const { data, note = origin.note } = readRgb(bitmap, origin)
    const orientation = resize.orient ? origin.orientation : 1
    const upright = turned({ data, width: bitmap.width, height: bitmap.height }, orientation)
    return { pixels: atModelSize(resizeByRule(upright, resize, { format: origin.format, orientation }), resize, size), note }
  } catch (error) {
    throw new ImageError(`cannot be used: ${error instanceof Error ? error.message : error}`)
  } finally {
    bitmap.close()
  }
}

/** @param {Stored} origin */
function decode({ parts, profile }) {
  return createImageBitmap(new Blob([...parts]), { colorSpaceConversion: profile ? 'default' : 'none', premultiplyAlpha: 'none' })
}
