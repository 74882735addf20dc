// An image's file without what a browser would act on and torchgraft does not, so that all of them decode the pixels that are stored.
// Turning them, and what else torchgraft does, is left to the page.
import { NOTES } from '../notes.js'
import { formatOf } from './first-bytes.js'
import { storedAvif } from './stored-avif.js'
import { storedGif } from './stored-gif.js'
import { storedJpeg } from './stored-jpeg.js'
import { storedPng } from './stored-png.js'
import { storedWebp } from './stored-webp.js'

/** @typedef {import('../resample/resample.js').Origin} Origin */
/**
 * @typedef {object} Stored
 * @property {readonly Uint8Array<ArrayBuffer>[]} parts of the file to decode
 * @property {Origin['format']} format by which torchgraft scales it
 * @property {number} orientation EXIF's, 1 to 8: how the pixels are to be turned
 * @property {boolean} profile whether a colour profile is left in it, to be applied
 * @property {readonly number[]} [behind] what lies where there is no frame: red, green, blue
 * @property {boolean} [halves] the image is grey of 16 bits: red is their upper half, alpha the lower
 * @property {string} [note] why the browser sees it otherwise than torchgraft predict
 */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes of the whole file; they may be written to
 * @param {{ readonly profile: boolean }} rule
 * @returns {Promise<Stored>}
 */
export async function stored(bytes, rule) {
  switch (formatOf(bytes)) {
    case 'jpeg': return storedJpeg(bytes, rule)
    case 'png': return storedPng(bytes, rule)
    case 'webp': return storedWebp(bytes, rule)
    case 'gif': return storedGif(bytes)
    case 'avif': return storedAvif(bytes, rule)
    case 'other': return { parts: [bytes], format: 'other', orientation: 1, profile: rule.profile, note: NOTES.format }
  }
}
