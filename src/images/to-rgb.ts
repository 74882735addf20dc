import type { Metadata, Sharp } from 'sharp'
import type { Pixels } from './pixels.js'
import type { ResizeRule } from './resize-rule.js'
import type { PathOrBytes } from './image-source.js'
import { type FirstFrame, readFirstFrame } from '../../web/stored/gif-frame.js'
import { headOf } from './read-buffers.js'

/** How an image becomes 8-bit RGB. */
export interface Reading {
  readonly toRgb: (image: Sharp) => Promise<Pixels>
  /** Whether it takes the image as it is in its file: it is scaled afterwards. */
  readonly isWhole?: true
}

/**
 * Without a profile what Pillow's `convert('RGB')` gives, byte for byte. Its CMYK is plain arithmetic, and its 16-bit grey is clipped at
 * 255, not scaled. Of a GIF it is the same either way.
 */
export async function readingOf(source: PathOrBytes, metadata: Metadata, { profile }: ResizeRule): Promise<Reading> {
  const { format, space, depth, hasAlpha, hasProfile } = metadata
  if (format === 'gif') {
    const frame = await firstFrameOf(source)
    return frame ? { toRgb: (image) => decodeFrame(image, frame), isWhole: true } : { toRgb: decodeToRgb }
  }
  // Of 16 bits 8 are kept before anything is scaled, as browsers do. Where there is a profile, libvips would take them to Display-P3, or
  // leave them.
  if (profile && (space === 'rgb16' || space === 'grey16')) {
    const eightBits = space === 'rgb16' ? 'srgb' : 'b-w'
    return { toRgb: (image) => decodeToRgb(hasProfile ? image.pipelineColourspace(eightBits) : image), isWhole: true }
  }
  if (profile) return { toRgb: decodeToRgb }
  if (space === 'cmyk') return { toRgb: (image) => decodeCmyk(image, depth === 'ushort') }
  return { toRgb: space === 'grey16' && (!hasAlpha || (await isKeyedGrey(source, format))) ? decodeGrey16 : decodeToRgb }
}

/** 8-bit RGB, alpha dropped. */
export async function decodeToRgb(image: Sharp): Promise<Pixels> {
  const { data, info } = await image.removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  if (info.channels !== 3) throw new Error(`it has ${info.channels} channels after conversion to RGB`)
  return { data: asBytes(data), width: info.width, height: info.height }
}

const HEAD_BYTES = 1 << 16
/** Of comments before a frame. */
const LONG_HEAD_BYTES = 1 << 24

async function firstFrameOf(source: PathOrBytes): Promise<FirstFrame | undefined> {
  return readFirstFrame(await headOf(source, HEAD_BYTES)) ?? readFirstFrame(await headOf(source, LONG_HEAD_BYTES))
}

async function decodeFrame(image: Sharp, frame: FirstFrame): Promise<Pixels> {
  const { data, info } = await image.ensureAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  return { data: fillBehind(data, info, frame), width: info.width, height: info.height }
}

/** RGB of a frame's RGBA, with the palette's colour where it is transparent and around it, as Pillow has it. */
function fillBehind(rgba: Uint8Array, { width, height }: Pick<Pixels, 'width' | 'height'>, frame: FirstFrame): Uint8Array {
  const rgb = new Uint8Array(width * height * 3)
  for (let y = 0, from = 0, to = 0; y < height; y++) {
    const isBeside = y < frame.top || y >= frame.top + frame.height
    for (let x = 0; x < width; x++, from += 4, to += 3) {
      const isOpen = isBeside || x < frame.left || x >= frame.left + frame.width || rgba[from + 3] === 0
      for (let c = 0; c < 3; c++) rgb[to + c] = (isOpen ? frame.behind[c] : rgba[from + c]) as number
    }
  }
  return rgb
}

const PNG_COLOUR_TYPE_AT = 25

/** A PNG's alpha may be no more than one level that is named transparent. */
async function isKeyedGrey(source: PathOrBytes, format: string): Promise<boolean> {
  return format === 'png' && (await headOf(source, PNG_COLOUR_TYPE_AT + 1))[PNG_COLOUR_TYPE_AT] === 0
}

async function decodeCmyk(image: Sharp, isDeep: boolean): Promise<Pixels> {
  const inks = image.removeAlpha().pipelineColourspace('cmyk').toColourspace('cmyk').raw(isDeep ? { depth: 'ushort' } : {})
  const { data, info } = await inks.toBuffer({ resolveWithObject: true })
  const bytes = isDeep ? Uint8Array.from(asNumbers(data), (ink) => ink >> 8) : asBytes(data)
  return { data: fromCmyk(bytes), width: info.width, height: info.height }
}

async function decodeGrey16(image: Sharp): Promise<Pixels> {
  const { data, info } = await image.removeAlpha().toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer({ resolveWithObject: true })
  return { data: fromGrey16(asNumbers(data)), width: info.width, height: info.height }
}

function fromCmyk(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3)
  for (let from = 0, to = 0; from < cmyk.length; from += 4) {
    const light = 255 - (cmyk[from + 3] as number)
    for (let ink = 0; ink < 3; ink++) {
      const product = (cmyk[from + ink] as number) * light + 128 // over 255, rounded
      rgb[to++] = light - (((product >> 8) + product) >> 8)
    }
  }
  return rgb
}

function fromGrey16(grey: Uint16Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3)
  for (let i = 0; i < grey.length; i++) rgb.fill(Math.min(grey[i] as number, 255), i * 3, i * 3 + 3)
  return rgb
}

function asBytes(data: Buffer): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function asNumbers(data: Buffer): Uint16Array {
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
}
