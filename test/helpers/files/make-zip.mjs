import { crc32, deflateRawSync } from 'node:zlib'

/**
 * @typedef {object} ZipOptions
 * @property {boolean} [deflate] packs the entries; else they are stored
 * @property {boolean} [damage] changes a byte of the last entry's data after its checksum was taken
 */

/**
 * A zip file with these entries.
 *
 * @param {Readonly<Record<string, string | Uint8Array>>} entries
 * @param {ZipOptions} [options]
 * @returns {Buffer}
 */
export function makeZip(entries, { deflate = false, damage = false } = {}) {
  /** @type {Buffer[]} */
  const locals = []
  /** @type {Buffer[]} */
  const central = []
  let offset = 0
  for (const [name, content] of Object.entries(entries)) {
    const data = Buffer.from(content)
    const packed = deflate ? deflateRawSync(data) : data
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(deflate ? 8 : 0, 4)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    central.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, rest, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(central.length, 4)
  end.writeUInt16LE(central.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  const zip = Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end])
  if (damage) zip[offset - 1] = /** @type {number} */ (zip[offset - 1]) ^ 1
  return zip
}
