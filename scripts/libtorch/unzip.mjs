import { createReadStream, createWriteStream, mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createInflateRaw } from 'node:zlib'
import { SetupError } from '../setup/errors.mjs'
import {
  centralRecord, END, end64At, END64, end64Record, endRecord, FLAGS, LOCAL, localRecord, LOCATOR64, METHODS,
} from '../common/zip-layout.mjs'

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {number} method
 * @property {number} crc CRC-32 of its bytes
 * @property {number} packed bytes in the archive
 * @property {number} size bytes once unpacked
 * @property {number} header where its local record begins
 * @property {boolean} link whether it is a symbolic link
 */

const MAX_COMMENT = 0xffff

/**
 * Unpacks a zip file, entry by entry: stored or deflated, zip64 too, checksums checked. Names that lead out of the
 * folder are refused before anything is written.
 *
 * @param {string} archive
 * @param {string} folder
 * @param {{ readonly filter?: (name: string) => boolean, readonly onShare?: (share: number) => void }} [options]
 */
export async function unzip(archive, folder, { filter = () => true, onShare = () => {} } = {}) {
  const entries = (await readEntries(archive)).filter(({ name }) => !name.endsWith('/') && filter(name))
  for (const { name, link } of entries) {
    const leadsOut = link || /\\|^\/|^[a-z]:/i.test(name) || name.split('/').includes('..')
    if (leadsOut) throw refuse(archive, `it holds ${JSON.stringify(name)}, which could lead out of the folder`)
  }
  const total = entries.reduce((sum, { packed }) => sum + packed, 0)
  let done = 0
  for (const entry of entries) {
    await extract(archive, entry, join(folder, entry.name))
    onShare((done += entry.packed) / total)
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
  if (entry.method === METHODS.deflated) await pipeline(packed, createInflateRaw(), check, createWriteStream(to))
  else await pipeline(packed, check, createWriteStream(to))
  if (crc !== entry.crc || size !== entry.size) throw refuse(archive, `${entry.name} is damaged`)
}

/**
 * Behind the local record, which repeats the name and has an extra field of its own length.
 *
 * @param {string} archive @param {Entry} entry
 */
async function dataStart(archive, { header, name }) {
  const file = await open(archive)
  try {
    const local = localRecord(await read(file, header, LOCAL.size), 0)
    if (!local) throw refuse(archive, `${name} is not where it should be`)
    return header + LOCAL.size + local.nameLength + local.extraLength
  } finally {
    await file.close()
  }
}

/** What lies in a zip file, by its directory alone. @param {string} archive @returns {Promise<Entry[]>} */
export async function readEntries(archive) {
  const file = await open(archive)
  try {
    const { size: length } = await file.stat()
    const { count, begin, size } = await findDirectory(file, length, archive)
    if (begin + size > length) throw refuse(archive, 'its directory lies beyond its end')
    const directory = await read(file, begin, size)
    /** @type {Entry[]} */
    const entries = []
    for (let at = 0; entries.length < count; ) {
      const record = centralRecord(directory, at)
      if (!record) throw refuse(archive, 'its directory is damaged')
      entries.push(toEntry(record, archive))
      at = record.next
    }
    return entries
  } finally {
    await file.close()
  }
}

/** @param {import('../common/zip-layout.mjs').CentralRecord} record @param {string} archive @returns {Entry} */
function toEntry({ name: bytes, flags, method, crc, packed, size, header, attributes }, archive) {
  const name = Buffer.from(bytes).toString()
  if (method !== METHODS.stored && method !== METHODS.deflated) throw refuse(archive, `${name} is packed by method ${method}`)
  if (flags & FLAGS.encrypted) throw refuse(archive, `${name} is encrypted`)
  const link = ((attributes >>> 16) & 0xf000) === 0xa000 // by its mode of Unix
  return { name, method, crc, packed, size, header, link }
}

/**
 * By the record at the file's end, which a comment may follow.
 *
 * @param {import('node:fs/promises').FileHandle} file @param {number} length @param {string} archive
 */
async function findDirectory(file, length, archive) {
  const tailStart = Math.max(0, length - END.size - MAX_COMMENT)
  const tail = await read(file, tailStart, length - tailStart)
  let at = tail.byteLength - END.size
  while (at >= 0 && !endRecord(tail, at)) at--
  const end = at < 0 ? undefined : endRecord(tail, at)
  if (!end) throw refuse(archive, 'it has no directory: it may have been cut short')
  const locator = tailStart + at - LOCATOR64.size
  const wideAt = locator >= 0 ? end64At(await read(file, locator, LOCATOR64.size), 0) : undefined
  if (wideAt === undefined) return end
  const wide = end64Record(await read(file, wideAt, END64.size), 0)
  if (!wide) throw refuse(archive, 'its directory is damaged')
  return wide
}

/** @param {import('node:fs/promises').FileHandle} file @param {number} position @param {number} length */
async function read(file, position, length) {
  const bytes = new Uint8Array(length)
  await file.read(bytes, 0, length, position)
  return new DataView(bytes.buffer)
}

/** @param {string} archive @param {string} reason */
function refuse(archive, reason) {
  return new SetupError(`${archive} cannot be unpacked: ${reason}.`)
}
