import { crc32 } from 'node:zlib'

const SIGNATURE_BYTES = 8
const LENGTH_AND_TYPE = 8

/** A PNG's chunks by type, in their order. */
export function pngChunks(png: Uint8Array): { readonly type: string; readonly data: Buffer }[] {
  const bytes = Buffer.from(png)
  const chunks = []
  for (let at = SIGNATURE_BYTES; at + LENGTH_AND_TYPE <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const data = at + LENGTH_AND_TYPE
    chunks.push({ type: bytes.toString('latin1', at + 4, data), data: bytes.subarray(data, data + length) })
    at = data + length + 4
  }
  return chunks
}

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

export interface MoreChunks {
  readonly first?: readonly Buffer[]
  readonly last?: readonly Buffer[]
}

/** A PNG with more chunks: after its header, or before its end. */
export function withChunks(png: Uint8Array, { first = [], last = [] }: MoreChunks): Buffer {
  const [header, ...rest] = pngChunks(png).map(({ type, data }) => pngChunk(type, data))
  return Buffer.concat([png.subarray(0, SIGNATURE_BYTES), header!, ...first, ...rest.slice(0, -1), ...last, ...rest.slice(-1)])
}

/** Bytes of big-endian numbers of 32 bits. */
export function uint32s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, i * 4)
  return bytes
}

/** EXIF's first directory with an orientation alone, in a type of TIFF's and an order of bytes. */
export function exif(orientation: number, { type = 3, little = true, count = 1 } = {}): Buffer {
  const bytes = Buffer.alloc(26)
  const u16 = (value: number, at: number): number => (little ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at))
  const u32 = (value: number, at: number): number => (little ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at))
  bytes.write(little ? 'II' : 'MM', 'latin1')
  u16(42, 2)
  u32(8, 4)
  u16(1, 8)
  u16(0x0112, 10)
  u16(type, 12)
  u32(count, 14)
  if ([4, 9].includes(type)) u32(orientation, 18)
  else if ([1, 6].includes(type)) bytes[18] = orientation
  else u16(orientation, 18)
  return bytes
}
