import { createReadStream, createWriteStream, mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createInflateRaw } from 'node:zlib'
import { SetupError } from '../setup/errors.mjs'

/** @typedef {{ readonly name: string, readonly method: number, readonly crc: number, readonly packed: number, readonly size: number, readonly header: number, readonly link: boolean }} Entry */

// Layout: APPNOTE.TXT of PKWARE, 4.3 and 4.5.
const END = { signature: 0x06054b50, size: 22 }
const END64 = { signature: 0x06064b50, size: 56 }
const LOCATOR64 = { signature: 0x07064b50, size: 20 }
const CENTRAL = { signature: 0x02014b50, size: 46 }
const LOCAL = { signature: 0x04034b50, size: 30 }
const MAX_COMMENT = 0xffff
const STORED = 0
const DEFLATED = 8

/**
 * Unpacks a zip file, entry by entry: stored or deflated, zip64 too, checksums checked. Names that lead out of the
 * folder are refused before anything is written.
 *
 * @param {string} archive
 * @param {string} folder
 * @param {{ readonly filter?: (name: string) => boolean, readonly tell?: (share: number) => void }} [options]
 */
export async function unzip(archive, folder, { filter = () => true, tell = () => {} } = {}) {
  const entries = (await readEntries(archive)).filter(({ name }) => !name.endsWith('/') && filter(name))
  for (const { name, link } of entries) {
    if (link || name.includes('\\') || name.startsWith('/') || /^[a-z]:/i.test(name) || name.split('/').includes('..')) throw refuse(archive, `it holds ${JSON.stringify(name)}, which could lead out of the folder`)
  }
  const total = entries.reduce((sum, { packed }) => sum + packed, 0)
  let done = 0
  for (const entry of entries) {
    await extract(archive, entry, join(folder, entry.name))
    tell((done += entry.packed) / total)
  }
}

/** @param {string} archive @param {Entry} entry @param {string} to */
async function extract(archive, entry, to) {
  mkdirSync(dirname(to), { recursive: true })
  const start = await dataStart(archive, entry)
  let crc = 0
  let size = 0
  const check = new Transform({
    transform(/** @type {Buffer} */ chunk, _, done) {
      crc = crc32(chunk, crc)
      size += chunk.length
      done(size > entry.size ? refuse(archive, `${entry.name} is longer than it says`) : null, chunk)
    },
  })
  const packed = entry.packed === 0 ? [] : createReadStream(archive, { start, end: start + entry.packed - 1 })
  if (entry.method === DEFLATED) await pipeline(packed, createInflateRaw(), check, createWriteStream(to))
  else await pipeline(packed, check, createWriteStream(to))
  if (crc !== entry.crc || size !== entry.size) throw refuse(archive, `${entry.name} is damaged`)
}

/** The local header repeats the name, with an extra field of its own length. @param {string} archive @param {Entry} entry */
async function dataStart(archive, { header, name }) {
  const file = await open(archive)
  try {
    const local = await read(file, header, LOCAL.size)
    if (local.readUInt32LE(0) !== LOCAL.signature) throw refuse(archive, `${name} is not where it should be`)
    return header + LOCAL.size + local.readUInt16LE(26) + local.readUInt16LE(28)
  } finally {
    await file.close()
  }
}

/** What lies in a zip file, by its directory alone. @param {string} archive @returns {Promise<Entry[]>} */
export async function readEntries(archive) {
  const file = await open(archive)
  try {
    const { size: length } = await file.stat()
    const { count, offset, size } = await findDirectory(file, length, archive)
    if (offset + size > length) throw refuse(archive, 'its directory lies beyond its end')
    const directory = await read(file, offset, size)
    /** @type {Entry[]} */
    const entries = []
    for (let at = 0; entries.length < count; ) {
      if (at + CENTRAL.size > size || directory.readUInt32LE(at) !== CENTRAL.signature) throw refuse(archive, 'its directory is damaged')
      const nameLength = directory.readUInt16LE(at + 28)
      const extraLength = directory.readUInt16LE(at + 30)
      const end = at + CENTRAL.size + nameLength + extraLength
      if (end > size) throw refuse(archive, 'its directory is damaged')
      entries.push(readEntry(directory, at, nameLength, directory.subarray(end - extraLength, end), archive))
      at = end + directory.readUInt16LE(at + 32)
    }
    return entries
  } finally {
    await file.close()
  }
}

/** @param {Buffer} directory @param {number} at @param {number} nameLength @param {Buffer} extra @param {string} archive @returns {Entry} */
function readEntry(directory, at, nameLength, extra, archive) {
  const name = directory.toString('utf8', at + CENTRAL.size, at + CENTRAL.size + nameLength)
  const method = directory.readUInt16LE(at + 10)
  if (method !== STORED && method !== DEFLATED) throw refuse(archive, `${name} is packed by method ${method}`)
  if (directory.readUInt16LE(at + 8) & 1) throw refuse(archive, `${name} is encrypted`)
  const wide = wideNumbers(extra)
  const next = (/** @type {number} */ value) => (value === 0xffffffff ? (wide.shift() ?? value) : value) // in this order, where they do not fit
  const size = next(directory.readUInt32LE(at + 24))
  const packed = next(directory.readUInt32LE(at + 20))
  const header = next(directory.readUInt32LE(at + 42))
  const link = ((directory.readUInt32LE(at + 38) >>> 16) & 0xf000) === 0xa000
  return { name, method, crc: directory.readUInt32LE(at + 16), packed, size, header, link }
}

/** The zip64 extra field's numbers. @param {Buffer} extra */
function wideNumbers(extra) {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue
    const count = Math.floor(Math.min(extra.readUInt16LE(at + 2), extra.length - at - 4) / 8)
    return Array.from({ length: count }, (_, i) => Number(extra.readBigUInt64LE(at + 4 + i * 8)))
  }
  return []
}

/** @param {import('node:fs/promises').FileHandle} file @param {number} length @param {string} archive */
async function findDirectory(file, length, archive) {
  const tailStart = Math.max(0, length - END.size - MAX_COMMENT)
  const tail = await read(file, tailStart, length - tailStart)
  let at = tail.length - END.size
  while (at >= 0 && tail.readUInt32LE(at) !== END.signature) at--
  if (at < 0) throw refuse(archive, 'it has no directory: it may have been cut short')
  const locator = tailStart + at - LOCATOR64.size
  if (locator >= 0) {
    const record = await read(file, locator, LOCATOR64.size)
    if (record.readUInt32LE(0) === LOCATOR64.signature) {
      const end64 = await read(file, Number(record.readBigUInt64LE(8)), END64.size)
      if (end64.readUInt32LE(0) !== END64.signature) throw refuse(archive, 'its directory is damaged')
      return { count: Number(end64.readBigUInt64LE(32)), size: Number(end64.readBigUInt64LE(40)), offset: Number(end64.readBigUInt64LE(48)) }
    }
  }
  return { count: tail.readUInt16LE(at + 10), size: tail.readUInt32LE(at + 12), offset: tail.readUInt32LE(at + 16) }
}

/** @param {import('node:fs/promises').FileHandle} file @param {number} position @param {number} length */
async function read(file, position, length) {
  const buffer = Buffer.alloc(length)
  await file.read(buffer, 0, length, position)
  return buffer
}

/** @param {string} archive @param {string} reason */
function refuse(archive, reason) {
  return new SetupError(`${archive} cannot be unpacked: ${reason}.`)
}
