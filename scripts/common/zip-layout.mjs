// The records of a zip file, by PKWARE's APPNOTE.TXT, 4.3 to 4.5, with its zip64 extension: little-endian. `size` is that of a record's
// fixed part. Whether what they say agrees is for whoever reads them to judge.

/** Before each entry's data: its name and an extra field follow. */
export const LOCAL = { signature: 0x04034b50, size: 30 }
/** An entry of the directory: its name, an extra field and a comment follow. */
export const CENTRAL = { signature: 0x02014b50, size: 46 }
/** The directory's place, in 64 bits. */
export const END64 = { signature: 0x06064b50, size: 56 }
/** Where END64 lies; it lies right before END. */
export const LOCATOR64 = { signature: 0x07064b50, size: 20 }
/** The directory's place, at the file's end: a comment follows. */
export const END = { signature: 0x06054b50, size: 22 }
/** What may follow an entry's data. */
export const DESCRIPTOR = 0x08074b50

export const METHODS = { stored: 0, deflated: 8 }
/** Bits of an entry's flags. */
export const FLAGS = { encrypted: 1 << 0, inDescriptor: 1 << 3, utf8: 1 << 11 }
/** In place of a number that does not fit in 32 bits: it stands in the zip64 extra field. */
export const WIDE = 0xffffffff
/** The same of 16 bits. */
export const WIDE16 = 0xffff
/** Of an extra field's part with such numbers. */
export const ZIP64_ID = 1

/** @typedef {import('./zip-layout.mjs').CentralRecord} CentralRecord */

/** The record of LOCAL, without what follows. @param {DataView} view @param {number} at */
export function localRecord(view, at) {
  if (view.getUint32(at, true) !== LOCAL.signature) return undefined
  return {
    flags: view.getUint16(at + 6, true),
    method: view.getUint16(at + 8, true),
    crc: view.getUint32(at + 14, true),
    packed: view.getUint32(at + 18, true),
    size: view.getUint32(at + 22, true),
    nameLength: view.getUint16(at + 26, true),
    extraLength: view.getUint16(at + 28, true),
  }
}

/**
 * An entry of the directory, with the numbers of its zip64 extra field; undefined where none begins here or it is cut short.
 *
 * @param {DataView} view @param {number} at
 * @returns {CentralRecord | undefined}
 */
export function centralRecord(view, at) {
  if (at + CENTRAL.size > view.byteLength || view.getUint32(at, true) !== CENTRAL.signature) return undefined
  const nameBegin = at + CENTRAL.size
  const nameEnd = nameBegin + view.getUint16(at + 28, true)
  const extraLength = view.getUint16(at + 30, true)
  const next = nameEnd + extraLength + view.getUint16(at + 32, true)
  if (next > view.byteLength) return undefined
  const wide = zip64Numbers(view, nameEnd, extraLength)
  const number = (/** @type {number} */ offset) => {
    const value = view.getUint32(at + offset, true)
    return value === WIDE ? (wide.shift() ?? value) : value
  }
  const [size, packed, header] = [number(24), number(20), number(42)] // in this order, where they do not fit
  return {
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    size,
    packed,
    header,
    attributes: view.getUint32(at + 38, true),
    name: new Uint8Array(view.buffer, view.byteOffset + nameBegin, nameEnd - nameBegin),
    unused: wide.length,
    next,
  }
}

/**
 * The numbers of a zip64 extra field: size, packed size, place of the header, as far as they do not fit elsewhere.
 *
 * @param {DataView} view @param {number} begin @param {number} length
 */
function zip64Numbers(view, begin, length) {
  for (let at = begin; at + 4 <= begin + length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== ZIP64_ID) continue
    const count = Math.floor(Math.min(view.getUint16(at + 2, true), begin + length - at - 4) / 8)
    return Array.from({ length: count }, (_, i) => Number(view.getBigUint64(at + 4 + i * 8, true)))
  }
  return []
}

/** The record of END, or undefined. `disk`: the numbers of its parts, 0 where there is one. @param {DataView} view @param {number} at */
export function endRecord(view, at) {
  if (view.getUint32(at, true) !== END.signature) return undefined
  return {
    disk: view.getUint32(at + 4, true),
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    begin: view.getUint32(at + 16, true),
    commentLength: view.getUint16(at + 20, true),
  }
}

/** Where the record of END64 lies by LOCATOR64, or undefined. @param {DataView} view @param {number} at */
export function end64At(view, at) {
  return view.getUint32(at, true) === LOCATOR64.signature ? Number(view.getBigUint64(at + 8, true)) : undefined
}

/** The record of END64, or undefined. @param {DataView} view @param {number} at */
export function end64Record(view, at) {
  if (view.getUint32(at, true) !== END64.signature) return undefined
  const number = (/** @type {number} */ offset) => Number(view.getBigUint64(at + offset, true))
  return { count: number(32), size: number(40), begin: number(48) }
}
