import sharp, { type Sharp } from 'sharp'
import { uprightSize } from '../../web/resample/orientation.js'
import { centreWindow, resizedSize, type Size } from '../../web/resample/sizes.js'
import { scaled } from '../../web/resample/triangle.js'
import type { Pixels } from './pixels.js'
import type { ResizeRule } from './resize-rule.js'
import type { PathOrBytes } from './image-source.js'
import { openBySharp } from './open-sharp.js'
import { decodeToRgb, readingOf } from './to-rgb.js'

/** Each side of what an image is scaled to: beyond, libvips refuses it less clearly. */
const MAX_SIDE = 0x3fff

/** Any image, and what is to be said of one that is broken. */
export async function decodeBySharp(source: PathOrBytes, rule: ResizeRule): Promise<Pixels> {
  try {
    return await decode(source, rule, 'error')
  } catch (error) {
    // libtiff refuses an orientation that is none, which others take for upright.
    if (/Bad value \d+ for "Orientation" tag/.test((error as Error).message)) return await decode(source, rule, 'truncated')
    throw error
  }
}

async function decode(source: PathOrBytes, rule: ResizeRule, failOn: 'error' | 'truncated'): Promise<Pixels> {
  const { image, metadata } = await openBySharp(source, rule, failOn)
  const { format, width, height, orientation = 1, hasAlpha } = metadata
  const isOriented = rule.orient || format === 'tiff' // which Pillow turns as it loads it, whoever asks
  const size = uprightSize({ width, height }, isOriented ? orientation : 1)
  const upright = isOriented ? image.autoOrient() : image
  const { toRgb, isWhole } = await readingOf(source, metadata, rule)
  if (format === 'jpeg' && rule.antialias && isEnlarged(rule, size)) return enlarged(await toRgb(upright), rule)
  if (!isWhole && (!hasAlpha || !isResized(rule, size))) return await toRgb(shape(upright, rule, size))
  // sharp's resize would weigh colours by their alpha, and lose those that cannot be seen: it is dropped first.
  const { data } = await toRgb(upright)
  return await decodeToRgb(shape(sharp(data, { raw: { ...size, channels: 3 } }), rule, size))
}

function isResized({ shorterSide, enlarge }: ResizeRule, size: Size): boolean {
  const { width } = resizedSize(size, shorterSide, enlarge)
  return width !== size.width
}

/** To a size that memory is taken for. */
function isEnlarged({ shorterSide, enlarge }: ResizeRule, size: Size): boolean {
  const { width, height } = resizedSize(size, shorterSide, enlarge)
  return width > size.width && Math.max(width, height) <= MAX_SIDE
}

/** As the JPEGs are that libjpeg-turbo takes, which is PyTorch's way: libvips lays what it enlarges half a pixel off. */
function enlarged(whole: Pixels, { shorterSide, crop, enlarge }: ResizeRule): Pixels {
  const target = resizedSize(whole, shorterSide, enlarge)
  return scaled(whole, target, crop === null ? { left: 0, top: 0, ...target } : centreWindow(target, crop))
}

/** Adds the resize and the crop that the rule asks for, and none that would change nothing. */
function shape(image: Sharp, { shorterSide, crop, antialias, enlarge }: ResizeRule, size: Size): Sharp {
  const target = resizedSize(size, shorterSide, enlarge)
  if (Math.max(target.width, target.height) > MAX_SIDE && target.width * target.height > size.width * size.height) {
    throw new Error(`it is ${size.width}×${size.height} pixels, so narrow that at a size to work with it would be ${target.width}×${target.height}`)
  }
  if (target.width !== size.width || target.height !== size.height) {
    // linear is Pillow's bilinear within half a level; its default, lanczos3, is 2 to 3 off
    image = image.resize({ ...target, fit: 'fill', kernel: antialias ? 'linear' : 'nearest', fastShrinkOnLoad: antialias })
  }
  if (crop === null || (target.width === crop && target.height === crop)) return image
  if (target.width < crop || target.height < crop) throw new Error(`at ${target.width}×${target.height} pixels it is smaller than the crop of ${crop}`)
  return image.extract(centreWindow(target, crop))
}
