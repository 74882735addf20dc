import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { TorchgraftError } from '../../errors.js'
import { plural } from '../../text/plural.js'
import { readAt, WindowedFile } from '../files/read-at.js'
import { shortName } from '../short-name.js'
import { damagedPth } from './pth-error.js'

/** A part of an archive, as it lies in the file. */
export interface StoredEntry {
  readonly name: string
  readonly begin: number
  readonly size: number
  readonly crc: number
}

// Layout: PKWARE's APPNOTE.TXT, 4.3 to 4.5.
const LOCAL = { signature: 0x04034b50, size: 30 }
const CENTRAL = { signature: 0x02014b50, size: 46 }
const END64 = { signature: 0x06064b50, size: 56 }
const LOCATOR64 = { signature: 0x07064b50, size: 20 }
const END = { signature: 0x06054b50, size: 22 }
const DESCRIPTOR = 0x08074b50
const IN_DESCRIPTOR = 1 << 3
const UTF8 = 1 << 11
const MAX_ENTRIES = 100_000
const MAX_DIRECTORY = 1 << 26
const WIDE = 0xffffffff
/** The name of an entry may be 64 KB long. */
const MAX_REASON = 400
const CHUNK = 1 << 20

/**
 * The entries of a zip archive as `torch.save` writes it: every one stored, none twice, one behind the other from the
 * file's first byte to its last, and every place that says something of an entry saying the same.
 *
 * @throws ERR_FILE_FORMAT, naming what was met
 */
export async function readStoredZip(file: FileHandle, path: string): Promise<ReadonlyMap<string, StoredEntry>> {
  const { size } = await file.stat()
  const { count, begin, end } = await findDirectory(file, size, path)
  const directory = viewOf(await readAt(file, begin, end - begin, path))
  const entries: (StoredEntry & { readonly header: number })[] = []
  const names = new Set<string>()
  let at = 0
  while (entries.length < count) {
    const { next, ...entry } = parseCentral(directory, at, path)
    if (names.has(entry.name)) throw refuse(path, `it holds ${entry.name} twice`)
    names.add(entry.name)
    entries.push({ ...entry, begin: 0 })
    at = next
  }
  if (at !== directory.byteLength) throw refuse(path, 'its directory is longer than its entries')
  entries.sort((a, b) => a.header - b.header)
  const found = new Map<string, StoredEntry>()
  const headers = new WindowedFile(file, size, path)
  for (const [i, { header, ...entry }] of entries.entries()) {
    const before = i === 0 ? 0 : undefined
    if (before !== undefined && header !== before) throw refuse(path, `there ${header === 1 ? 'is' : 'are'} ${plural(header, 'byte')} before it`)
    found.set(entry.name, await locate(headers, header, entries[i + 1]?.header ?? begin, entry, path))
  }
  return found
}

/** Reads entries from end to end. @throws ERR_FILE_CHECKSUM where one is not what was written */
export async function checkCrcs(file: FileHandle, entries: Iterable<StoredEntry>, path: string): Promise<void> {
  const parts = new WindowedFile(file, (await file.stat()).size, path)
  for (const entry of entries) await checkCrc(parts, entry, path)
}

async function checkCrc(parts: WindowedFile, { name, begin, size, crc }: StoredEntry, path: string): Promise<void> {
  let sum = 0
  for (let done = 0; done < size; done += CHUNK) sum = crc32(await parts.readAt(begin + done, Math.min(CHUNK, size - done)), sum)
  if (sum !== crc) throw new TorchgraftError('ERR_FILE_CHECKSUM', `${path} is damaged: its part ${shortName(name)} is not what was written. Use another copy of it`, { path })
}

/** Where the data lies between a header and the next one; all that is said of it there must agree. */
async function locate(headers: WindowedFile, header: number, next: number, { name, size, crc }: StoredEntry, path: string): Promise<StoredEntry> {
  if (next - header < LOCAL.size) throw refuse(path, `${name} overlaps another entry`)
  const fixed = viewOf(await headers.readAt(header, LOCAL.size))
  if (fixed.getUint32(0, true) !== LOCAL.signature) throw refuse(path, `${name} is not where its directory says`)
  const nameLength = fixed.getUint16(26, true)
  const begin = header + LOCAL.size + nameLength + fixed.getUint16(28, true)
  const rest = next - begin - size
  if (rest < 0) throw refuse(path, `${name} overlaps another entry`)
  const local = decodeName(await headers.readAt(header + LOCAL.size, nameLength), path)
  const flags = fixed.getUint16(6, true)
  const told = [fixed.getUint32(14, true), fixed.getUint32(18, true), fixed.getUint32(22, true)] as const
  const later = (flags & IN_DESCRIPTOR) !== 0
  const agrees = (value: number, expected: number): boolean => value === expected || (later && value === 0) || value === WIDE
  const same = local === name && fixed.getUint16(8, true) === 0 && agrees(told[0], crc) && agrees(told[1], size) && agrees(told[2], size)
  if (!same) throw refuse(path, `${name} is one thing in the directory and another in its header`)
  const behind = rest === 0 ? undefined : viewOf(await headers.readAt(begin + size, Math.min(rest, 24)))
  const described = !behind || (later && descriptorAgrees(behind, rest, size, crc))
  if (!described) throw refuse(path, `what follows ${name} does not belong to it`)
  return { name, begin, size, crc }
}

/** With or without a signature, with sizes of 4 or 8 bytes. */
function descriptorAgrees(view: DataView, length: number, size: number, crc: number): boolean {
  if (![12, 16, 20, 24].includes(length)) return false
  const signed = length % 8 === 0 && (length === 16 || length === 24)
  if (signed && view.getUint32(0, true) !== DESCRIPTOR) return false
  const at = signed ? 4 : 0
  const wide = length >= 20
  const number = (offset: number): number => (wide ? Number(view.getBigUint64(offset, true)) : view.getUint32(offset, true))
  return view.getUint32(at, true) === crc && number(at + 4) === size && number(at + (wide ? 12 : 8)) === size
}

function parseCentral(view: DataView, at: number, path: string) {
  if (at + CENTRAL.size > view.byteLength || view.getUint32(at, true) !== CENTRAL.signature) throw refuse(path, 'its directory is damaged')
  const nameLength = view.getUint16(at + 28, true)
  const extraLength = view.getUint16(at + 30, true)
  const next = at + CENTRAL.size + nameLength + extraLength + view.getUint16(at + 32, true)
  if (next > view.byteLength) throw refuse(path, 'its directory is damaged')
  const name = decodeName(new Uint8Array(view.buffer, view.byteOffset + at + CENTRAL.size, nameLength), path)
  const flags = view.getUint16(at + 8, true)
  if ((flags & ~(IN_DESCRIPTOR | UTF8)) !== 0) throw refuse(path, `${name} is encrypted, or of another kind that PyTorch does not write`)
  if (view.getUint16(at + 10, true) !== 0) throw refuse(path, `${name} is compressed, which torch.save does not do; a TorchScript archive may be (in Python: torch.save(torch.jit.load(FILE).state_dict(), OTHER))`)
  const wide = wideNumbers(view, at + CENTRAL.size + nameLength, extraLength)
  const take = (value: number): number => (value === WIDE ? (wide.shift() ?? value) : value) // in this order, where they do not fit
  const size = take(view.getUint32(at + 24, true))
  const packed = take(view.getUint32(at + 20, true))
  const header = take(view.getUint32(at + 42, true))
  if (size !== packed || wide.length > 0) throw refuse(path, `${name} has two sizes`)
  if (![size, header].every(Number.isSafeInteger)) throw refuse(path, `${name} is impossibly large`)
  return { name, size, header, crc: view.getUint32(at + 16, true), next }
}

/** Of the zip64 extra field. */
function wideNumbers(view: DataView, begin: number, length: number): number[] {
  for (let at = begin; at + 4 <= begin + length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue
    const count = Math.floor(Math.min(view.getUint16(at + 2, true), begin + length - at - 4) / 8)
    return Array.from({ length: count }, (_, i) => Number(view.getBigUint64(at + 4 + i * 8, true)))
  }
  return []
}

/** Names are inside the archive, and stay there. */
function decodeName(bytes: Uint8Array, path: string): string {
  let name: string
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw refuse(path, 'the name of an entry is not UTF-8')
  }
  if (name !== '' && !/[\\\0]|^\/|^[a-z]:/i.test(name) && !name.split('/').includes('..')) return name
  throw refuse(path, `it holds an entry named ${JSON.stringify(name)}`)
}

/** Its end is the file's end: no comment, nothing behind it. */
async function findDirectory(file: FileHandle, length: number, path: string): Promise<{ count: number; begin: number; end: number }> {
  if (length < END.size) throw refuse(path, 'it is cut short')
  const last = viewOf(await readAt(file, length - END.size, END.size, path))
  if (last.getUint32(0, true) !== END.signature || last.getUint16(20, true) !== 0) throw refuse(path, 'it does not end as an archive does: it may have been cut short, or have bytes behind it')
  const narrow = { count: last.getUint16(10, true), size: last.getUint32(12, true), begin: last.getUint32(16, true) }
  const wide = await findDirectory64(file, length, path)
  const { count, size, begin } = wide ?? narrow
  const end = wide?.end ?? length - END.size
  const agree = !wide || ([[narrow.count, count, 0xffff], [narrow.size, size, WIDE], [narrow.begin, begin, WIDE]] as const).every(([a, b, full]) => a === b || a === full)
  if (!agree || begin + size !== end || last.getUint32(4, true) !== 0) throw refuse(path, 'what it says of its directory does not agree')
  if (count > MAX_ENTRIES || size > MAX_DIRECTORY) throw refuse(path, `it would hold ${plural(count, 'entry', 'entries')}`)
  return { count, begin, end }
}

async function findDirectory64(file: FileHandle, length: number, path: string) {
  const at = length - END.size - LOCATOR64.size
  if (at < END64.size) return undefined
  const locator = viewOf(await readAt(file, at, LOCATOR64.size, path))
  if (locator.getUint32(0, true) !== LOCATOR64.signature) return undefined
  const end = at - END64.size
  if (Number(locator.getBigUint64(8, true)) !== end) throw refuse(path, 'what it says of its directory does not agree')
  const record = viewOf(await readAt(file, end, END64.size, path))
  if (record.getUint32(0, true) !== END64.signature) throw refuse(path, 'its directory is damaged')
  const number = (offset: number): number => Number(record.getBigUint64(offset, true))
  return { count: number(32), size: number(40), begin: number(48), end }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function refuse(path: string, reason: string): TorchgraftError {
  return damagedPth(path, reason.length > MAX_REASON ? `${reason.slice(0, MAX_REASON)}…` : reason)
}
