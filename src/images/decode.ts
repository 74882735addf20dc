import { stat } from 'node:fs/promises'
import { isHeic } from '../../web/stored/first-bytes.js'
import { TorchgraftError, type TorchgraftErrorCode } from '../errors.js'
import { systemReason } from '../text/system-reason.js'
import { decodeJpeg } from './jpeg/decode-jpeg.js'
import { type ImageSource, type PathOrBytes, readImageSource } from './image-source.js'
import { ANIMATED_AVIF, HEIC, MAX_FILE_BYTES, MAX_PIXELS, TOO_LARGE_A_FILE } from './image-errors.js'
import type { Pixels } from './pixels.js'
import { headOf } from './read-buffers.js'
import type { ResizeRule } from './resize-rule.js'

/**
 * Decodes an image: the one path of training, scoring and predicting. Most JPEGs go through libjpeg-turbo, everything else
 * through sharp.
 *
 * The first frame of an animation, with its palette's colour where it is transparent or covers nothing; grey, palette, CMYK and 16-bit
 * images as 8-bit RGB; alpha is dropped, not blended, as Pillow's `convert('RGB')` does. An AVIF's colours are its decoder's own, some
 * levels from Pillow's. Resizing follows torchvision's `Resize` and `CenterCrop`.
 *
 * @param name what to call the image where it is no image file, nor the bytes of one
 * @throws ERR_ARGUMENT, ERR_IMAGE_DECODE, ERR_IMAGE_TOO_LARGE
 */
export async function decodeImage(image: ImageSource, rule: ResizeRule, name = 'image'): Promise<Pixels> {
  let source: PathOrBytes | undefined
  try {
    source = await readImageSource(image, name)
    const size = typeof source === 'string' ? await checkFile(source) : source.length
    return (await decodeJpeg(source, size, rule)) ?? (await bySharp(source, rule))
  } catch (cause) {
    if (cause instanceof TorchgraftError && cause.code === 'ERR_ARGUMENT') throw cause
    throw decodeError(source === undefined ? cause : await preciseCause(source, cause), typeof source === 'string' ? source : undefined)
  }
}

/** Why an image cannot be read, for whoever names it already. */
export function reasonOf({ message, path }: TorchgraftError): string {
  const subject = subjectOf(path)
  return message.startsWith(subject) ? message.slice(subject.length) : message
}

function subjectOf(path: string | undefined): string {
  return `${path ?? 'The image'} cannot be read: `
}

/** libvips is large: loaded when there is something for it. */
async function bySharp(source: PathOrBytes, rule: ResizeRule): Promise<Pixels> {
  const { decodeBySharp } = await import('./decode-sharp.js')
  return decodeBySharp(source, rule)
}

/** Bytes of a file; what sharp would say less clearly, or wait for without end, is thrown. */
async function checkFile(path: string): Promise<number> {
  const info = await stat(path)
  if (!info.isFile()) throw new Error(info.isDirectory() ? 'it is a folder' : 'it is not a file')
  if (info.size === 0) throw new Error('it is empty')
  if (info.size > MAX_FILE_BYTES) throw new TorchgraftError('ERR_IMAGE_TOO_LARGE', TOO_LARGE_A_FILE)
  return info.size
}

/**
 * A more precise cause than libvips gives: of a HEIC image it says only that there is no decoder, and of a file without permission to
 * read that it is no image.
 */
async function preciseCause(source: PathOrBytes, cause: unknown): Promise<unknown> {
  try {
    if (typeof source === 'string' && !(await stat(source)).isFile()) return cause
    // By its first bytes: a phone's may be named .jpg.
    return isHeic(await headOf(source, HEAD_BYTES)) ? new Error('heic') : cause
  } catch (unreadable) {
    return (unreadable as NodeJS.ErrnoException).code === 'EACCES' ? unreadable : cause
  }
}

const HEAD_BYTES = 24

function decodeError(cause: unknown, path: string | undefined): TorchgraftError {
  const { code } = cause as NodeJS.ErrnoException
  const message = systemReason(cause)
  const [error, reason] = cause instanceof TorchgraftError ? [cause.code, cause.message] : explain(withoutPath(message, path), code)
  return new TorchgraftError(error, `${subjectOf(path)}${reason}`, { cause, ...(path !== undefined && { path }) })
}

/** libvips may begin with the path, which is named already. */
function withoutPath(message: string, path: string | undefined): string {
  return path !== undefined && message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message
}

function explain(message: string, code: string | undefined): [TorchgraftErrorCode, string] {
  if (code === 'ENOENT') return ['ERR_IMAGE_DECODE', 'there is no such file']
  if (code === 'EACCES') return ['ERR_IMAGE_DECODE', 'you may not read it']
  if (/pixel limit/.test(message)) return ['ERR_IMAGE_TOO_LARGE', `it has more than ${Math.round(MAX_PIXELS / 1e6)} million pixels`]
  if (message === 'animated avif') return ['ERR_IMAGE_DECODE', ANIMATED_AVIF]
  if (/heif|heic/i.test(message)) return ['ERR_IMAGE_DECODE', HEIC]
  if (/unsupported image format|missing/i.test(message)) return ['ERR_IMAGE_DECODE', 'it is not an image in a known format (JPEG, PNG, WebP, TIFF, GIF, AVIF)']
  if (/premature end|truncat|out of data|unexpected end/i.test(message)) return ['ERR_IMAGE_DECODE', 'it is cut short']
  const [line = message] = message.split('\n')
  return ['ERR_IMAGE_DECODE', code !== undefined || /^(?:it|at) /.test(line) ? line : `it is damaged (${line.trim()})`] // our own reasons, or libvips'
}
