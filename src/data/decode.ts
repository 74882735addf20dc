import { stat } from 'node:fs/promises'
import { TorchgraftError, type TorchgraftErrorCode } from '../errors.js'
import { decodeJpeg } from './decode-jpeg.js'
import { ANIMATED_AVIF, HEIC, MAX_FILE_BYTES, MAX_PIXELS, TOO_LARGE_A_FILE } from './picture-reasons.js'
import { headOf } from './read-buffers.js'

/** A path, or the bytes of a picture file. */
export type ImageSource = string | Uint8Array

/** uint8, height × width × 3, RGB. */
export interface Pixels {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/** How a picture file becomes pixels. Kept in model files, so that predicting does what scoring did. */
export interface ResizeRule {
  /** Both sides are scaled alike, so that the shorter has this many pixels; null leaves them. */
  readonly shorterSide: number | null
  /** Height and width of the middle that is kept; null keeps all. */
  readonly crop: number | null
  /** Whether what is made smaller is low-pass filtered first, as Pillow does and PyTorch's `interpolate` does not. */
  readonly antialias: boolean
  /** `square` puts black around it on its way into a batch, half on each side; the batch then scales all of it to its size. */
  readonly pad: 'square' | null
  /** Whether the camera's orientation is applied. A TIFF always is turned, as Pillow does on loading it, an AVIF as its container says. */
  readonly orient: boolean
  /** Whether an embedded colour profile is applied, so that the pixels are sRGB; if not they are Pillow's, CMYK and 16-bit grey too. */
  readonly profile: boolean
  /** Whether a picture smaller than `shorterSide` is enlarged. @default true */
  readonly enlarge?: boolean
}

/**
 * Decodes a picture: the one path of training, scoring and predicting. Most JPEGs go through libjpeg-turbo, everything else
 * through sharp.
 *
 * The first frame of an animation, with its palette's colour where it is transparent or covers nothing; grey, palette, CMYK and 16-bit
 * pictures as 8-bit RGB; alpha is dropped, not blended, as Pillow's `convert('RGB')` does. An AVIF's colours are its decoder's own, some
 * levels from Pillow's. Resizing follows torchvision's `Resize` and `CenterCrop`.
 *
 * @throws ERR_IMAGE_DECODE, ERR_IMAGE_TOO_LARGE
 */
export async function decodeImage(source: ImageSource, rule: ResizeRule): Promise<Pixels> {
  const path = typeof source === 'string' ? source : undefined
  try {
    const size = path === undefined ? source.length : await checkFile(path)
    return (await decodeJpeg(source, size, rule)) ?? (await bySharp(source, rule))
  } catch (cause) {
    throw decodeError(await tellingCause(source, cause), path)
  }
}

/** libvips is large: loaded when there is something for it. */
async function bySharp(source: ImageSource, rule: ResizeRule): Promise<Pixels> {
  const { decodeBySharp } = await import('./decode-by-sharp.js')
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

/** What libvips does not say: of a HEIC picture only that there is no decoder, and of a file that may not be read that it is no picture. */
async function tellingCause(source: ImageSource, cause: unknown): Promise<unknown> {
  try {
    if (typeof source === 'string' && !(await stat(source)).isFile()) return cause
    const head = Buffer.from(await headOf(source, HEAD_BYTES))
    // By its first bytes: a phone's may be named .jpg.
    return /^ftyp(?:hei[cxms]|hev[cx]|mif1.{4}hei[cx])/s.test(head.toString('latin1', 4)) ? new Error('heic') : cause
  } catch (unreadable) {
    return (unreadable as NodeJS.ErrnoException).code === 'EACCES' ? unreadable : cause
  }
}

const HEAD_BYTES = 24

function decodeError(cause: unknown, path: string | undefined): TorchgraftError {
  const { message, code } = cause as NodeJS.ErrnoException
  const [error, reason] = cause instanceof TorchgraftError ? [cause.code, cause.message] : explain(message, code)
  return new TorchgraftError(error, `${path ?? 'The picture'} cannot be read: ${reason}`, { cause, ...(path !== undefined && { path }) })
}

function explain(message: string, code: string | undefined): [TorchgraftErrorCode, string] {
  if (code === 'ENOENT') return ['ERR_IMAGE_DECODE', 'there is no such file']
  if (code === 'EACCES') return ['ERR_IMAGE_DECODE', 'you may not read it']
  if (/pixel limit/.test(message)) return ['ERR_IMAGE_TOO_LARGE', `it has more than ${Math.round(MAX_PIXELS / 1e6)} million pixels`]
  if (message === 'animated avif') return ['ERR_IMAGE_DECODE', ANIMATED_AVIF]
  if (/heif|heic/i.test(message)) return ['ERR_IMAGE_DECODE', HEIC]
  if (/unsupported image format|missing/i.test(message)) return ['ERR_IMAGE_DECODE', 'it is not a picture in a format that is known (JPEG, PNG, WebP, TIFF, GIF, AVIF)']
  if (/premature end|truncat|out of data|unexpected end/i.test(message)) return ['ERR_IMAGE_DECODE', 'it is cut short']
  return ['ERR_IMAGE_DECODE', message.split('\n')[0] ?? message]
}
