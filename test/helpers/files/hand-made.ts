import { deflateSync } from 'node:zlib'
import { chunk, type Colour } from '../images/odd-images.js'

export interface GifOptions {
  /** Width and height of the image, where the frame is not all of it. */
  readonly canvas?: readonly [width: number, height: number]
  readonly left?: number
  readonly top?: number
  /** The number of the colour that is transparent. */
  readonly transparent?: number
  /** Of the frame alone, besides the image's. */
  readonly ownPalette?: readonly Colour[]
  readonly background?: number
  /** Bytes of comment before the frame. */
  readonly comment?: number
}

/** A GIF of one frame, by numbers of its palette's four colours, row by row. */
export function handMadeGif(palette: readonly Colour[], rows: readonly (readonly number[])[], options: GifOptions = {}): Buffer {
  const { canvas, left = 0, top = 0, transparent, ownPalette, background = 0, comment = 0 } = options
  const [width = 0, height = 0] = [rows[0]?.length, rows.length]
  const u16 = (...values: number[]): number[] => values.flatMap((value) => [value & 255, value >> 8])
  const text = Array.from({ length: Math.ceil(comment / 255) }, () => [255, ...new Array<number>(255).fill(120)]).flat()
  return Buffer.from([
    ...Buffer.from('GIF89a'), ...u16(...(canvas ?? [width, height])), 0x80 | 1, background, 0, ...palette.flat(),
    ...(comment > 0 ? [0x21, 0xfe, ...text, 0] : []),
    ...(transparent === undefined ? [] : [0x21, 0xf9, 4, 1, 0, 0, transparent, 0]),
    0x2c, ...u16(left, top, width, height), ownPalette ? 0x80 | 1 : 0, ...(ownPalette?.flat() ?? []),
    2, ...blocks(codes(rows.flat())), 0, 0x3b,
  ])
}

/** LZW of two bits that compresses nothing: codes of three bits, begun anew before they would grow. */
function codes(numbers: readonly number[]): number[] {
  const [clear, end] = [4, 5]
  const all = [...numbers.flatMap((number, i) => (i % 2 === 0 ? [clear, number] : [number])), end]
  const bytes = new Array<number>(Math.ceil((all.length * 3) / 8)).fill(0)
  for (const [i, code] of all.entries()) {
    for (let bit = 0; bit < 3; bit++) if (code & (1 << bit)) bytes[(i * 3 + bit) >> 3]! |= 1 << ((i * 3 + bit) & 7)
  }
  return bytes
}

function blocks(bytes: readonly number[]): number[] {
  const count = Math.ceil(bytes.length / 255)
  return Array.from({ length: count }, (_, i) => bytes.slice(i * 255, (i + 1) * 255)).flatMap((part) => [part.length, ...part])
}

interface DeepGreyOptions {
  readonly key?: number
  readonly alpha?: boolean
}

/** A PNG of grey with 16 bits, of which one level is transparent; or with an alpha of its own. */
export function deepGreyPng(rows: readonly (readonly number[])[], { key, alpha = false }: DeepGreyOptions = {}): Buffer {
  const u16 = (value: number): number[] => [value >> 8, value & 255]
  const header = Buffer.alloc(13)
  header.writeUInt32BE((rows[0]?.length ?? 0) / (alpha ? 2 : 1), 0)
  header.writeUInt32BE(rows.length, 4)
  header.set([16, alpha ? 4 : 0], 8)
  const pixels = deflateSync(Buffer.from(rows.flatMap((row) => [0, ...row.flatMap(u16)])))
  const trns = key === undefined ? [] : [chunk('tRNS', Uint8Array.from(u16(key)))]
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([signature, chunk('IHDR', header), ...trns, chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))])
}

interface TiffOptions {
  /** 1 grey, 2 RGB, 5 CMYK. */
  readonly photometric: 1 | 2 | 5
  readonly bits: 8 | 16
  readonly orientation?: number
}

/** A plain TIFF: rows of samples one after another. */
export function handMadeTiff(rows: readonly (readonly number[])[], { photometric, bits, orientation }: TiffOptions): Buffer {
  const samples = { 1: 1, 2: 3, 5: 4 }[photometric]
  const data = Buffer.from(rows.flat().flatMap((value) => (bits === 8 ? [value] : [value & 255, value >> 8])))
  const bitsAt = 8 + data.length
  const [width, height] = [(rows[0]?.length ?? 0) / samples, rows.length]
  const entries: (readonly [tag: number, type: 3 | 4, count: number, value: number])[] = [
    [256, 3, 1, width], [257, 3, 1, height], [258, 3, samples, samples > 2 ? bitsAt : bits], [259, 3, 1, 1],
    [262, 3, 1, photometric], [273, 4, 1, 8],
    ...(orientation === undefined ? [] : [[274, 3, 1, orientation] as const]),
    [277, 3, 1, samples], [278, 3, 1, height], [279, 4, 1, data.length],
  ]
  const directory = Buffer.alloc(2 + entries.length * 12 + 4)
  directory.writeUInt16LE(entries.length)
  for (const [i, [tag, type, count, value]] of entries.entries()) {
    directory.writeUInt16LE(tag, 2 + i * 12)
    directory.writeUInt16LE(type, 4 + i * 12)
    directory.writeUInt32LE(count, 6 + i * 12)
    directory.writeUInt32LE(value, 10 + i * 12)
  }
  const eachBits = Buffer.from(new Array<number[]>(samples).fill([bits, 0]).flat())
  const head = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0])
  head.writeUInt32LE(bitsAt + eachBits.length, 4)
  return Buffer.concat([head, data, eachBits, directory])
}
