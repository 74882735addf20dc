import sharp, { type Sharp } from 'sharp'
import type { ImageSource, Pixels, ResizeRule } from './decode.js'
import { MAX_PIXELS } from './picture-reasons.js'
import { middle, resized, type Size } from '../../web/sizes.js'
import { decodeAsPillow, decodeToRgb } from './to-rgb.js'

// Pictures are read once each, many at a time: no cache, and one thread for each.
sharp.cache(false)
sharp.concurrency(1)

/** Each side of what a picture is scaled to: beyond, libvips refuses it less clearly. */
const MAX_SIDE = 0x3fff
/** What is read, by libvips' names of formats: not all that it could, such as SVG, which is a program of its own. */
const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'tiff', 'gif', 'heif'])

/** Any picture, and what is to be said of one that is broken. */
export async function decodeBySharp(source: ImageSource, rule: ResizeRule): Promise<Pixels> {
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
}

function isResized({ shorterSide, enlarge }: ResizeRule, size: Size): boolean {
  const { width } = resized(size, shorterSide, enlarge)
  return width !== size.width
}

/** Adds the resize and the crop that the rule asks for, and none that would change nothing. */
function shape(picture: Sharp, { shorterSide, crop, antialias, enlarge }: ResizeRule, size: Size): Sharp {
  const target = resized(size, shorterSide, enlarge)
  if (Math.max(target.width, target.height) > MAX_SIDE && target.width * target.height > size.width * size.height) {
    throw new Error(`it is ${size.width}×${size.height} pixels, so narrow that at a size to work with it would be ${target.width}×${target.height}`)
  }
  if (target.width !== size.width || target.height !== size.height) {
    // linear is Pillow's bilinear within half a level; its default, lanczos3, is 2 to 3 off
    picture = picture.resize({ ...target, fit: 'fill', kernel: antialias ? 'linear' : 'nearest', fastShrinkOnLoad: antialias })
  }
  if (crop === null || (target.width === crop && target.height === crop)) return picture
  if (target.width < crop || target.height < crop) throw new Error(`at ${target.width}×${target.height} pixels it is smaller than the crop of ${crop}`)
  return picture.extract(middle(target, crop))
}
