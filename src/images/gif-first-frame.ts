import type { Pixels } from './pixels.js'

/** Where a GIF's first frame lies in the image, and the colour of what it leaves open. */
export interface FirstFrame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly behind: readonly [red: number, green: number, blue: number]
}

const SCREEN_BYTES = 13
const [EXTENSION, FRAME, CONTROL] = [0x21, 0x2c, 0xf9]

/** Of the file's first bytes; nothing where they end too early. */
export function readFirstFrame(bytes: Uint8Array): FirstFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    return read(view)
  } catch (error) {
    if (error instanceof RangeError) return undefined // it leads out of itself
    throw error
  }
}

function read(view: DataView): FirstFrame | undefined {
  let transparent = 0
  let at = SCREEN_BYTES + paletteBytes(view.getUint8(10))
  for (; view.getUint8(at) === EXTENSION; at++) {
    if (view.getUint8(at + 1) === CONTROL && view.getUint8(at + 3) & 1) transparent = view.getUint8(at + 6)
    for (at += 2; view.getUint8(at) !== 0; ) at += 1 + view.getUint8(at)
  }
  if (view.getUint8(at) !== FRAME) return undefined
  const [left = 0, top = 0, width = 0, height = 0] = [1, 3, 5, 7].map((place) => view.getUint16(at + place, true))
  const own = paletteBytes(view.getUint8(at + 9))
  const [palette, length] = own > 0 ? [at + 10, own] : [SCREEN_BYTES, paletteBytes(view.getUint8(10))]
  const level = (channel: number): number => (transparent * 3 < length ? view.getUint8(palette + transparent * 3 + channel) : 0)
  return { left, top, width, height, behind: [level(0), level(1), level(2)] }
}

function paletteBytes(flags: number): number {
  return flags & 0x80 ? 3 << ((flags & 7) + 1) : 0
}

/** RGB of a frame's RGBA, with the palette's colour where it is transparent and around it, as Pillow has it. */
export function fillBehind(rgba: Uint8Array, { width, height }: Pick<Pixels, 'width' | 'height'>, frame: FirstFrame): Uint8Array {
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
