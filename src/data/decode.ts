import { open, stat } from 'node:fs/promises'
import sharp, { type Sharp } from 'sharp'
import { TorchgraftError, type TorchgraftErrorCode } from '../errors.js'
import { HEIC, MAX_FILE_BYTES, TOO_LARGE_A_FILE } from './picture-reasons.js'
import { decodeAsPillow, decodeToRgb } from './to-rgb.js'

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
  /** Whether the camera's orientation is applied. */
  readonly orient: boolean
  /** Whether an embedded colour profile is applied, so that the pixels are sRGB; if not they are Pillow's, CMYK and 16-bit grey too. */
  readonly profile: boolean
  /** Whether a picture smaller than `shorterSide` is enlarged. @default true */
  readonly enlarge?: boolean
}

// Pictures are read once each, many at a time: no cache, and one thread for each.
sharp.cache(false)
sharp.concurrency(1)

/** libvips' own limit, 16383 × 16383: larger is a mistake, or meant to exhaust the memory. */
const MAX_PIXELS = 0x3fff * 0x3fff
/** Each side of what a picture is scaled to: beyond, libvips refuses it less clearly. */
const MAX_SIDE = 0x3fff
/** What is read, by libvips' names of formats: not all that it could, such as SVG, which is a program of its own. */
const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'tiff', 'gif', 'heif'])

/**
 * Decodes a picture: the one path of training, scoring and predicting.
 *
 * The first frame of an animation; grey, palette, CMYK and 16-bit pictures as 8-bit RGB; alpha is dropped, not blended,
 * as Pillow's `convert('RGB')` does. Resizing follows torchvision's `Resize` and `CenterCrop`.
 *
 * @throws ERR_IMAGE_DECODE, ERR_IMAGE_TOO_LARGE
 */
export async function decodeImage(source: ImageSource, rule: ResizeRule): Promise<Pixels> {
  const path = typeof source === 'string' ? source : undefined
  try {
    if (path !== undefined) await checkFile(path)
    const options = { failOn: 'error', limitInputPixels: MAX_PIXELS, ...(rule.profile ? {} : { ignoreIcc: true }) } as const
    const picture = sharp(source, options)
    const { format, compression, width, height, orientation = 1, space, hasAlpha } = await picture.metadata()
    if (!FORMATS.has(format)) throw new Error('unsupported image format')
    if (format === 'heif' && compression !== 'av1') throw new Error('heic')
    const turned = rule.orient && orientation >= 5
    const size = turned ? { width: height, height: width } : { width, height }
    const upright = rule.orient ? picture.autoOrient() : picture
    const toRgb = (shaped: Sharp): Promise<Pixels> => (rule.profile ? decodeToRgb(shaped) : decodeAsPillow(shaped, space, hasAlpha))
    if (!hasAlpha || !isResized(rule, size)) return await toRgb(shape(upright, rule, size))
    // sharp's resize would weigh colours by their alpha, and lose those that cannot be seen: it is dropped first.
    const { data } = await toRgb(upright)
    return await decodeToRgb(shape(sharp(data, { raw: { ...size, channels: 3 } }), rule, size))
  } catch (cause) {
    throw decodeError(await tellingCause(source, cause), path)
  }
}

interface Size {
  readonly width: number
  readonly height: number
}

function isResized({ shorterSide, enlarge = true }: ResizeRule, size: Size): boolean {
  const { width } = shorterSide === null ? size : resized(size, shorterSide, enlarge)
  return width !== size.width
}

/** Adds the resize and the crop that the rule asks for, and none that would change nothing. */
function shape(picture: Sharp, { shorterSide, crop, antialias, enlarge = true }: ResizeRule, size: Size): Sharp {
  const target = shorterSide === null ? size : resized(size, shorterSide, enlarge)
  if (Math.max(target.width, target.height) > MAX_SIDE && target.width * target.height > size.width * size.height) {
    throw new Error(`it is ${size.width}×${size.height} pixels, so narrow that at a size to work with it would be ${target.width}×${target.height}`)
  }
  if (target.width !== size.width || target.height !== size.height) {
    // linear is Pillow's bilinear within half a level; its default, lanczos3, is 2 to 3 off
    picture = picture.resize({ ...target, fit: 'fill', kernel: antialias ? 'linear' : 'nearest', fastShrinkOnLoad: antialias })
  }
  if (crop === null || (target.width === crop && target.height === crop)) return picture
  if (target.width < crop || target.height < crop) throw new Error(`at ${target.width}×${target.height} pixels it is smaller than the crop of ${crop}`)
  return picture.extract({ left: halfToEven((target.width - crop) / 2), top: halfToEven((target.height - crop) / 2), width: crop, height: crop })
}

/** torchvision's `Resize(shorterSide)`: the longer side is rounded down. */
function resized({ width, height }: Size, shorterSide: number, enlarge: boolean): Size {
  const shorter = Math.min(width, height)
  if (!enlarge && shorter <= shorterSide) return { width, height }
  const longer = (side: number): number => Math.floor((shorterSide * side) / shorter)
  return width <= height ? { width: shorterSide, height: longer(height) } : { width: longer(width), height: shorterSide }
}

/** Python's `round`. */
function halfToEven(value: number): number {
  const rounded = Math.round(value)
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/** What sharp would say less clearly, or wait for without end. */
async function checkFile(path: string): Promise<void> {
  const info = await stat(path)
  if (!info.isFile()) throw new Error(info.isDirectory() ? 'it is a folder' : 'it is not a file')
  if (info.size === 0) throw new Error('it is empty')
  if (info.size > MAX_FILE_BYTES) throw new TorchgraftError('ERR_IMAGE_TOO_LARGE', TOO_LARGE_A_FILE)
}

/** What libvips does not say: of a HEIC picture only that there is no decoder, and of a file that may not be read that it is no picture. */
async function tellingCause(source: ImageSource, cause: unknown): Promise<unknown> {
  try {
    const head = typeof source === 'string' ? await firstBytes(source) : Buffer.from(source.subarray(0, HEAD_BYTES))
    // By its first bytes: a phone's may be named .jpg.
    return head && /^ftyp(?:hei[cxms]|hev[cx]|mif1.{4}hei[cx])/s.test(head.toString('latin1', 4)) ? new Error('heic') : cause
  } catch (unreadable) {
    return (unreadable as NodeJS.ErrnoException).code === 'EACCES' ? unreadable : cause
  }
}

const HEAD_BYTES = 24

async function firstBytes(path: string): Promise<Buffer | undefined> {
  if (!(await stat(path)).isFile()) return undefined
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

function decodeError(cause: unknown, path: string | undefined): TorchgraftError {
  const { message, code } = cause as NodeJS.ErrnoException
  const [error, reason] = cause instanceof TorchgraftError ? [cause.code, cause.message] : explain(message, code)
  return new TorchgraftError(error, `${path ?? 'The picture'} cannot be read: ${reason}`, { cause, ...(path !== undefined && { path }) })
}

function explain(message: string, code: string | undefined): [TorchgraftErrorCode, string] {
  if (code === 'ENOENT') return ['ERR_IMAGE_DECODE', 'there is no such file']
  if (code === 'EACCES') return ['ERR_IMAGE_DECODE', 'you may not read it']
  if (/pixel limit/.test(message)) return ['ERR_IMAGE_TOO_LARGE', `it has more than ${Math.round(MAX_PIXELS / 1e6)} million pixels`]
  if (/heif|heic/i.test(message)) return ['ERR_IMAGE_DECODE', HEIC]
  if (/unsupported image format|missing/i.test(message)) return ['ERR_IMAGE_DECODE', 'it is not a picture in a format that is known (JPEG, PNG, WebP, TIFF, GIF, AVIF)']
  if (/premature end|truncat|out of data|unexpected end/i.test(message)) return ['ERR_IMAGE_DECODE', 'it is cut short']
  return ['ERR_IMAGE_DECODE', message.split('\n')[0] ?? message]
}
