import { readFile } from 'node:fs/promises'
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp'
import type { ResizeRule } from './resize-rule.js'
import type { PathOrBytes } from './image-source.js'
import { MAX_PIXELS } from './image-errors.js'
import { headOf } from './read-buffers.js'

// Images are read once each, many at a time: no cache, and one thread for each.
sharp.cache(false)
sharp.concurrency(1)

export interface OpenedImage {
  readonly image: Sharp
  readonly metadata: Metadata
}

/** What is read, by libvips' names of formats: not all that it could, such as SVG, which is a program of its own. */
const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'tiff', 'gif', 'heif'])

/** An image of a format that is read, and what its header tells. */
export async function openBySharp(source: PathOrBytes, { profile }: ResizeRule, failOn: 'error' | 'truncated'): Promise<OpenedImage> {
  const options = { failOn, limitInputPixels: MAX_PIXELS, ...(profile ? {} : { ignoreIcc: true }) } as const
  const opened = await open(source, options).catch(async (error: Error) => {
    const still = await asStillAvif(source)
    if (still === undefined) throw error
    return await open(still, options).catch((cause: Error) => {
      throw new Error('animated avif', { cause })
    })
  })
  const { format, compression } = opened.metadata
  if (!FORMATS.has(format)) throw new Error('unsupported image format')
  if (format === 'heif' && compression !== 'av1') throw new Error('heic')
  return opened
}

async function open(source: PathOrBytes, options: SharpOptions): Promise<OpenedImage> {
  const image = sharp(source, options)
  return { image, metadata: await image.metadata() }
}

const BRAND_AT = 8
const BRAND_BYTES = 4

/**
 * libvips knows a file by the brand that it names first. An animated AVIF names `avis` there, and has its first image as a still one too:
 * named as such it is read. Nothing for other files.
 */
async function asStillAvif(source: PathOrBytes): Promise<Uint8Array | undefined> {
  const head = Buffer.from(await headOf(source, 128)).toString('latin1')
  const box = head.slice(BRAND_AT - BRAND_BYTES, head.charCodeAt(3)) // its length, of which more than a byte is used by none
  const brands = box.match(/[^]{4}/g) ?? []
  if (brands[0] !== 'ftyp' || brands[1] === 'avif' || !brands.some((brand) => brand === 'avif' || brand === 'avis')) return undefined
  const bytes = typeof source === 'string' ? await readFile(source) : Buffer.from(source)
  bytes.write('avif', BRAND_AT, 'latin1')
  return bytes
}
