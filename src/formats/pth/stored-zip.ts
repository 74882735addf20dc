import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import {
  centralRecord, DESCRIPTOR, END, end64At, END64, end64Record, endRecord, FLAGS, LOCAL, localRecord, LOCATOR64, METHODS, WIDE, WIDE16,
} from '../../../scripts/common/zip-layout.mjs'
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

const MAX_ENTRIES = 100_000
const MAX_DIRECTORY = 1 << 26
/** The name of an entry may be 64 KB long. */
const MAX_REASON = 400
const CHUNK = 1 << 20
/** What else holds compressed parts, and the way out. */
const PROGRAM = 'a TorchScript archive may be (in Python: torch.save(torch.jit.load(FILE).state_dict(), OTHER))'

/**
 * The entries of a zip archive as `torch.save` writes it: every one stored, none twice, one behind the other from the
 * file's first byte to its last, and every place that says something of an entry saying the same.
 *
 * @throws ERR_FILE_FORMAT, naming the entry and what is wrong with it
 */
export async function readStoredZip(file: FileHandle, path: string): Promise<ReadonlyMap<string, StoredEntry>> {
  const { size } = await file.stat()
  const { count, begin, end } = await findDirectory(file, size, path)
  const directory = viewOf(await readAt(file, begin, end - begin, path))
  const entries: (Omit<StoredEntry, 'begin'> & { readonly header: number })[] = []
  const names = new Set<string>()
  let at = 0
  while (entries.length < count) {
    const { next, ...entry } = parseCentral(directory, at, path)
    if (names.has(entry.name)) throw refuse(path, `it holds ${entry.name} twice`)
    names.add(entry.name)
    entries.push(entry)
    at = next
  }
  if (at !== directory.byteLength) throw refuse(path, 'its directory is longer than its entries')
  entries.sort((a, b) => a.header - b.header)
  const found = new Map<string, StoredEntry>()
  const headers = new WindowedFile(file, size, path)
  for (const [i, { header, ...entry }] of entries.entries()) {
    if (i === 0 && header !== 0) throw refuse(path, `there ${header === 1 ? 'is' : 'are'} ${plural(header, 'byte')} before it`)
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
  if (sum === crc) return
  const reason = `its part ${shortName(name)} is not what was written. Use another copy of it`
  throw new TorchgraftError('ERR_FILE_CHECKSUM', `${path} is damaged: ${reason}`, { path })
}

/** Where the data lies between a header and the next one; all that is said of it there must agree. */
async function locate(
  headers: WindowedFile, header: number, next: number, { name, size, crc }: Omit<StoredEntry, 'begin'>, path: string,
): Promise<StoredEntry> {
  if (next - header < LOCAL.size) throw refuse(path, `${name} overlaps another entry`)
  const local = localRecord(viewOf(await headers.readAt(header, LOCAL.size)), 0)
  if (!local) throw refuse(path, `${name} is not where its directory says`)
  const begin = header + LOCAL.size + local.nameLength + local.extraLength
  const rest = next - begin - size
  if (rest < 0) throw refuse(path, `${name} overlaps another entry`)
  const localName = decodeName(await headers.readAt(header + LOCAL.size, local.nameLength), path)
  const later = (local.flags & FLAGS.inDescriptor) !== 0
  const agrees = (value: number, expected: number): boolean => value === expected || (later && value === 0) || value === WIDE
  const sizesAgree = agrees(local.crc, crc) && agrees(local.packed, size) && agrees(local.size, size)
  const same = localName === name && local.method === METHODS.stored && sizesAgree
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
  const record = centralRecord(view, at)
  if (!record) throw refuse(path, 'its directory is damaged')
  const { flags, method, crc, size, packed, header, unused, next } = record
  const name = decodeName(record.name, path)
  if ((flags & ~(FLAGS.inDescriptor | FLAGS.utf8)) !== 0) throw refuse(path, `${name} is encrypted, or of another kind that PyTorch does not write`)
  if (method !== METHODS.stored) throw refuse(path, `${name} is compressed, which torch.save does not do; ${PROGRAM}`)
  if (size !== packed || unused > 0) throw refuse(path, `${name} has two sizes`)
  if (![size, header].every(Number.isSafeInteger)) throw refuse(path, `${name} is impossibly large`)
  return { name, size, header, crc, next }
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
  const last = endRecord(viewOf(await readAt(file, length - END.size, END.size, path)), 0)
  if (last?.commentLength !== 0) throw refuse(path, 'it does not end as an archive does: it may have been cut short, or have bytes behind it')
  const wide = await findDirectory64(file, length, path)
  const { count, size, begin } = wide ?? last
  const end = wide?.end ?? length - END.size
  const agrees = (narrow: number, value: number, full: number): boolean => narrow === value || narrow === full
  const agree = agrees(last.count, count, WIDE16) && agrees(last.size, size, WIDE) && agrees(last.begin, begin, WIDE)
  if (!agree || begin + size !== end || last.disk !== 0) throw refuse(path, 'what it says of its directory does not agree')
  if (count > MAX_ENTRIES || size > MAX_DIRECTORY) throw refuse(path, `it would hold ${plural(count, 'entry', 'entries')}`)
  return { count, begin, end }
}

async function findDirectory64(file: FileHandle, length: number, path: string) {
  const at = length - END.size - LOCATOR64.size
  if (at < END64.size) return undefined
  const found = end64At(viewOf(await readAt(file, at, LOCATOR64.size, path)), 0)
  if (found === undefined) return undefined
  const end = at - END64.size
  if (found !== end) throw refuse(path, 'what it says of its directory does not agree')
  const record = end64Record(viewOf(await readAt(file, end, END64.size, path)), 0)
  if (!record) throw refuse(path, 'its directory is damaged')
  return { ...record, end }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function refuse(path: string, reason: string): TorchgraftError {
  return damagedPth(path, reason.length > MAX_REASON ? `${reason.slice(0, MAX_REASON)}…` : reason)
}
