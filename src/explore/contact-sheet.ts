import type { default as Sharp } from 'sharp'
import { cut } from '../text/columns.js'
import { printable } from '../text/format.js'

export interface SheetImage {
  /** uint8, tile × tile × 3, RGB. */
  readonly tile: Uint8Array
  readonly label: string
}

export interface SheetLayout {
  readonly columns: number
  /** Height and width of an image on the sheet. */
  readonly tile: number
}

export interface ContactSheet {
  /** A PNG file. */
  readonly png: Buffer
  /** Whether labels are on it: a system without fonts draws none. */
  readonly labelled: boolean
}

/** Height and width of a sheet are no more than this. */
export const MAX_SIDE = 4096
const GAP = 8
const STRIP = 18
const FONT_SIZE = 12
/** A letter's width in fonts whose letters are equally wide: 0.602 of their size, and a hair. */
const LETTER = 0.61 * FONT_SIZE
/** Smaller images are enlarged to about this, so that they can be seen, and their labels read. */
const SMALL = 128

/** Wider than high, as screens are; images at their own size where there is room. */
export function layOut(count: number, size: number): SheetLayout {
  const columns = Math.min(count, Math.ceil(Math.sqrt(count * 1.5)))
  const room = Math.min(Math.floor((MAX_SIDE - GAP) / columns) - GAP, MAX_SIDE - 2 * GAP - STRIP)
  const times = Math.max(1, Math.min(Math.ceil(SMALL / size), Math.floor(room / size)))
  return { columns, tile: Math.min(size * times, room) }
}

/** A rendered image, [size, size, 3] in 0–1, as large as its tile: enlarged by whole pixels, or made smaller. */
export async function toTile(pixels: Float32Array, size: number, tile: number): Promise<Uint8Array> {
  const bytes = Uint8ClampedArray.from(pixels, (value) => value * 255)
  if (tile === size) return new Uint8Array(bytes.buffer)
  const sharp = await loadSharp()
  const image = sharp(bytes, { raw: { width: size, height: size, channels: 3 } })
  return image.resize(tile, tile, { kernel: tile > size ? 'nearest' : 'linear' }).raw().toBuffer()
}

/** Images row by row, each with its label under it. */
export async function contactSheet(images: readonly SheetImage[], { columns, tile }: SheetLayout): Promise<ContactSheet> {
  const places = images.map(({ label }, i): Place => {
    const [row, column] = [Math.floor(i / columns), i % columns]
    return { label, left: GAP + column * (tile + GAP), top: GAP + row * (tile + STRIP + GAP) }
  })
  const width = GAP + columns * (tile + GAP)
  const height = GAP + Math.ceil(images.length / columns) * (tile + STRIP + GAP)
  const sheet = new Uint8Array(width * height * 3).fill(255)
  for (const [i, { left, top }] of places.entries()) {
    const pixels = images[i]!.tile
    for (let row = 0; row < tile; row++) {
      sheet.set(pixels.subarray(row * tile * 3, (row + 1) * tile * 3), ((top + row) * width + left) * 3)
    }
  }
  const labelled = await canDraw('A', 'B')
  const sharp = await loadSharp()
  const image = sharp(sheet, { raw: { width, height, channels: 3 } })
  if (labelled) image.composite([{ input: Buffer.from(labelSvg(places, tile, width, height)) }]).removeAlpha()
  return { png: await image.png().toBuffer(), labelled }
}

/** Whether two letters come out as different ones. Without a font both are the same box, or nothing. */
export async function canDraw(letter: string, other: string): Promise<boolean> {
  const sharp = await loadSharp()
  const draw = (label: string): Promise<Buffer> => {
    const svg = labelSvg([{ label, left: 0, top: 0 }], SMALL, SMALL, SMALL + STRIP)
    return sharp(Buffer.from(svg)).raw().toBuffer()
  }
  const [a, b] = await Promise.all([draw(letter), draw(other)])
  return !a.equals(b)
}

/** It is large: loaded when something is drawn. */
async function loadSharp(): Promise<typeof Sharp> {
  const { default: sharp } = await import('sharp')
  return sharp
}

interface Place {
  readonly label: string
  readonly left: number
  readonly top: number
}

/** Each label in an `svg` of its own, which lets nothing out, whatever the letters' real width. */
function labelSvg(places: readonly Place[], tile: number, width: number, height: number): string {
  const font = `font-family="DejaVu Sans Mono, Liberation Mono, Menlo, Consolas, monospace" font-size="${FONT_SIZE}" fill="#222"`
  const texts = places.map(({ label, left, top }) => `<svg x="${left}" y="${top + tile}" width="${tile}" height="${STRIP}"><text y="${FONT_SIZE + 1}">${escapeXml(cut(printable(label), Math.floor(tile / LETTER)))}</text></svg>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g ${font}>${texts.join('')}</g></svg>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** Text alone: what XML takes for markup is escaped, and what it has no place for is replaced. */
function escapeXml(text: string): string {
  return text.replace(/[^\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd').replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '')
}
