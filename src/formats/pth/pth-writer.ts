import { crc32 } from 'node:zlib'
import { CENTRAL, END, END64, FLAGS, LOCAL, LOCATOR64, WIDE, WIDE16, ZIP64_ID } from '../../../scripts/common/zip-layout.mjs'
import { pickle, type Picklable } from './pickle-writer.js'
import { writeFileWhole } from '../files/write-file.js'

/** Each part's data begins on a multiple of this, as PyTorch's do, so that it can be mapped. */
const ALIGNMENT = 64

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
  const extra = LOCAL.size + name.length
  const padding = (ALIGNMENT - ((at + extra + 4) % ALIGNMENT)) % ALIGNMENT
  const bytes = new Uint8Array(extra + 4 + padding)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, LOCAL.signature, true)
  view.setUint16(6, FLAGS.utf8, true)
  setSizes(view, 14, crc, size)
  view.setUint16(26, name.length, true)
  view.setUint16(28, 4 + padding, true)
  bytes.set(name, LOCAL.size)
  view.setUint16(extra, 0x4246, true) // "FB", PyTorch's padding
  view.setUint16(extra + 2, padding, true)
  return bytes
}

function centralHeader(name: Uint8Array, size: number, crc: number, at: number): Uint8Array {
  const extra = CENTRAL.size + name.length
  const far = at >= WIDE
  const bytes = new Uint8Array(extra + (far ? 12 : 0))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, CENTRAL.signature, true)
  view.setUint16(8, FLAGS.utf8, true)
  setSizes(view, 16, crc, size)
  view.setUint16(28, name.length, true)
  view.setUint16(30, far ? 12 : 0, true)
  view.setUint32(42, far ? WIDE : at, true)
  bytes.set(name, CENTRAL.size)
  if (far) {
    view.setUint16(extra, ZIP64_ID, true)
    view.setUint16(extra + 2, 8, true)
    view.setBigUint64(extra + 4, BigInt(at), true)
  }
  return bytes
}

/** CRC-32, packed size and size, as both headers have them. */
function setSizes(view: DataView, at: number, crc: number, size: number): void {
  if (size >= WIDE) throw new RangeError('A tensor of 4 GiB or more cannot be written to a .pth file')
  view.setUint32(at, crc, true)
  view.setUint32(at + 4, size, true)
  view.setUint32(at + 8, size, true)
}

/** The zip64 end of the directory, its locator, and the end. */
function ending(count: number, size: number, begin: number): Uint8Array {
  const locator = END64.size
  const end = locator + LOCATOR64.size
  const bytes = new Uint8Array(end + END.size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, END64.signature, true)
  view.setBigUint64(4, BigInt(END64.size - 12), true)
  for (const at of [24, 32]) view.setBigUint64(at, BigInt(count), true)
  view.setBigUint64(40, BigInt(size), true)
  view.setBigUint64(48, BigInt(begin), true)
  view.setUint32(locator, LOCATOR64.signature, true)
  view.setBigUint64(locator + 8, BigInt(begin + size), true)
  view.setUint32(locator + 16, 1, true) // disk
  view.setUint32(end, END.signature, true)
  for (const at of [8, 10]) view.setUint16(end + at, Math.min(count, WIDE16), true)
  view.setUint32(end + 12, size, true)
  view.setUint32(end + 16, Math.min(begin, WIDE), true)
  return bytes
}
