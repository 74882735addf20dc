import { crc32 } from 'node:zlib'
import { pickle, type Picklable } from './pickle-writer.js'
import { writeFileWhole } from '../files/write-file.js'

/** Each part's data begins on a multiple of this, as PyTorch's do, so that it can be mapped. */
const ALIGNMENT = 64
const WIDE = 0xffffffff
const FLAGS_UTF8 = 1 << 11

/**
 * Writes a value as `torch.save` does: a zip of stored parts, that `torch.load(file, weights_only=True)` accepts.
 * Whole or not at all.
 *
 * @returns the file's bytes.
 * @throws ERR_WRITE
 */
export async function writePth(path: string, value: Picklable): Promise<number> {
  const { bytes, storages } = pickle(value)
  const text = (content: string): Uint8Array => new TextEncoder().encode(content)
  const parts: [string, Uint8Array][] = [
    ['data.pkl', bytes], ['.format_version', text('1')], ['.storage_alignment', text(String(ALIGNMENT))], ['byteorder', text('little')],
    ...storages.map((data, key): [string, Uint8Array] => [`data/${key}`, data]),
    ['version', text('3\n')],
  ]
  return writeFileWhole(path, zip(parts.map(([name, data]) => ({ name: text(`archive/${name}`), data }))))
}

interface Part {
  readonly name: Uint8Array
  readonly data: Uint8Array
}

/** PKWARE's APPNOTE.TXT, 4.3: stored entries, and always a zip64 end. */
function* zip(parts: readonly Part[]): Generator<Uint8Array> {
  const directory: Uint8Array[] = []
  let at = 0
  for (const { name, data } of parts) {
    const crc = crc32(data)
    const header = localHeader(name, data.length, crc, at)
    directory.push(centralHeader(name, data.length, crc, at))
    yield header
    yield data
    at += header.length + data.length
  }
  yield* directory
  yield ending(parts.length, directory.reduce((sum, { length }) => sum + length, 0), at)
}

function localHeader(name: Uint8Array, size: number, crc: number, at: number): Uint8Array {
  const begin = at + 30 + name.length + 4
  const padding = (ALIGNMENT - (begin % ALIGNMENT)) % ALIGNMENT
  const bytes = new Uint8Array(30 + name.length + 4 + padding)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x04034b50, true)
  view.setUint16(6, FLAGS_UTF8, true)
  setSizes(view, 14, crc, size)
  view.setUint16(26, name.length, true)
  view.setUint16(28, 4 + padding, true)
  bytes.set(name, 30)
  view.setUint16(30 + name.length, 0x4246, true) // "FB", PyTorch's padding
  view.setUint16(32 + name.length, padding, true)
  return bytes
}

function centralHeader(name: Uint8Array, size: number, crc: number, at: number): Uint8Array {
  const far = at >= WIDE
  const bytes = new Uint8Array(46 + name.length + (far ? 12 : 0))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x02014b50, true)
  view.setUint16(8, FLAGS_UTF8, true)
  setSizes(view, 16, crc, size)
  view.setUint16(28, name.length, true)
  view.setUint16(30, far ? 12 : 0, true)
  view.setUint32(42, far ? WIDE : at, true)
  bytes.set(name, 46)
  if (far) {
    view.setUint16(46 + name.length, 1, true) // zip64
    view.setUint16(48 + name.length, 8, true)
    view.setBigUint64(50 + name.length, BigInt(at), true)
  }
  return bytes
}

function setSizes(view: DataView, at: number, crc: number, size: number): void {
  if (size >= WIDE) throw new RangeError('A tensor of 4 GiB or more cannot be written to a .pth file')
  view.setUint32(at, crc, true)
  view.setUint32(at + 4, size, true)
  view.setUint32(at + 8, size, true)
}

function ending(count: number, size: number, begin: number): Uint8Array {
  const bytes = new Uint8Array(56 + 20 + 22)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x06064b50, true)
  view.setBigUint64(4, 44n, true)
  for (const at of [24, 32]) view.setBigUint64(at, BigInt(count), true)
  view.setBigUint64(40, BigInt(size), true)
  view.setBigUint64(48, BigInt(begin), true)
  view.setUint32(56, 0x07064b50, true)
  view.setBigUint64(64, BigInt(begin + size), true)
  view.setUint32(72, 1, true)
  view.setUint32(76, 0x06054b50, true)
  for (const at of [84, 86]) view.setUint16(at, Math.min(count, 0xffff), true)
  view.setUint32(88, size, true)
  view.setUint32(92, Math.min(begin, WIDE), true)
  return bytes
}
