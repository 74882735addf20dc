import { extname } from 'node:path'
import { HEIC } from './image-errors.js'

/** JPEGs under all the endings that systems, browsers and cameras give them. */
export const JPEG_ENDINGS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.jpe', '.jfif', '.jfi', '.jif', '.pjpeg', '.pjp', '.mpo'])
/** What is taken for an image by the file's name. */
const IMAGE_ENDINGS: ReadonlySet<string> = new Set([...JPEG_ENDINGS, '.png', '.apng', '.webp', '.tif', '.tiff', '.gif', '.avif'])
/** Images too, but of formats that cannot be read. */
const UNREADABLE_ENDINGS: ReadonlySet<string> = new Set([
  '.bmp', '.dib', '.ppm', '.pgm', '.pbm', '.pnm', '.pam', '.pfm', '.jxl', '.jp2', '.j2k', '.jpx', '.jpf', '.j2c', '.jxr', '.svg',
  '.svgz', '.psd', '.psb', '.xcf', '.ai', '.eps', '.ico', '.tga', '.dds', '.exr', '.hdr', '.pcx', '.dcm', '.raw', '.cr2', '.cr3', '.nef',
  '.nrw', '.arw', '.srf', '.sr2', '.dng', '.orf', '.rw2', '.raf', '.pef', '.srw', '.x3f', '.3fr', '.iiq', '.rwl', '.kdc', '.dcr', '.mrw',
  '.erf',
])
const HEIC_ENDINGS: ReadonlySet<string> = new Set(['.heic', '.heif', '.heics', '.heifs', '.hif'])

export function isImageName(name: string): boolean {
  return IMAGE_ENDINGS.has(extname(name).toLowerCase())
}

/**
 * In small letters and with its dot; '' for none. What stands after the last dot is not always one: `2021.05.03`,
 * `photo.jpg?w=300`, `photo.jpg_large`, `Dr. Smith`.
 */
export function endingOf(name: string): string {
  const ending = extname(name).toLowerCase()
  return /^\.(?=.*[a-z])[a-z0-9]{1,12}$/.test(ending) ? ending : ''
}

/** Why an image of this ending cannot be read; nothing where it can, or where it is no image. */
export function whyUnreadable(ending: string): string | undefined {
  if (HEIC_ENDINGS.has(ending)) return HEIC
  return UNREADABLE_ENDINGS.has(ending) ? `${ending} images cannot be read: convert it to JPEG or PNG` : undefined
}
