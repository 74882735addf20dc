import { readOrientation } from './exif.js'
import { latin1 } from './first-bytes.js'
import { useOf } from './profile.js'

const SIGNATURE_BYTES = 8
/** What the pixels are made of. Not the rest: a gamma and other colours than sRGB's, an animation, colours to be seen through. */
const PIXELS = new Set(['IHDR', 'PLTE', 'IDAT'])
const [GREY, GREY_ALPHA] = [0, 4]

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {{ readonly profile: boolean }} rule
 * @returns {Promise<import('./stored.js').Stored>}
 */
export async function storedPng(bytes, rule) {
  const { chunks, cut } = read(bytes)
  const first = chunks.findIndex(({ type }) => type === 'IDAT')
  const before = (/** @type {string} */ type) => chunks.slice(0, first).find((chunk) => chunk.type === type)
  const exif = before('eXIf')
  const kept = chunks.filter(({ type }) => PIXELS.has(type)).map(({ whole }) => whole)
  const header = chunks[0]?.type === 'IHDR' ? chunks[0].data : new Uint8Array(13)
  const [depth, colours] = [header[8], header[9]]
  const grey = colours === GREY || colours === GREY_ALPHA
  const icc = before('iCCP')
  const { profile, note } = rule.profile && icc ? useOf(await profileOf(icc.data), { grey }) : { profile: false }
  if (profile && icc) kept.splice(1, 0, icc.whole)
  const halves = !rule.profile && colours === GREY && depth === 16
  if (halves) kept[0] = chunk('IHDR', header.with(8, 8).with(9, GREY_ALPHA)) // two bytes a pixel as well, so its rows are these
  kept.unshift(bytes.subarray(0, SIGNATURE_BYTES))
  kept.push(cut ?? chunk('IEND', new Uint8Array(0)))
  const orientation = exif ? readOrientation(exif.data).orientation : 1
  return { parts: kept, format: 'other', orientation, profile, ...(halves && { halves }), ...(note !== undefined && { note }) }
}

/** Up to the end, or to what is `cut` short: libpng reads on without an end, and browsers do not. @param {Uint8Array<ArrayBuffer>} bytes */
function read(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  /** @type {{ readonly type: string, readonly data: Uint8Array<ArrayBuffer>, readonly whole: Uint8Array<ArrayBuffer> }[]} */
  const chunks = []
  for (let at = SIGNATURE_BYTES; at + 12 <= bytes.length;) {
    const end = at + 12 + view.getUint32(at)
    const type = latin1(bytes, at + 4, 4)
    if (type === 'IEND') break
    if (end > bytes.length) return { chunks, ...(PIXELS.has(type) && { cut: bytes.subarray(at) }) }
    chunks.push({ type, data: bytes.subarray(at + 8, end - 4), whole: bytes.subarray(at, end) })
    at = end
  }
  return { chunks }
}

/** After its name, compressed; nothing where it is damaged. @param {Uint8Array<ArrayBuffer>} data */
async function profileOf(data) {
  const inflated = new Blob([data.subarray(data.indexOf(0) + 2)]).stream().pipeThrough(new DecompressionStream('deflate'))
  return new Response(inflated).arrayBuffer().then((profile) => new Uint8Array(profile), () => undefined)
}

/** @param {string} type @param {Uint8Array} data */
function chunk(type, data) {
  const whole = new Uint8Array(data.length + 12)
  const view = new DataView(whole.buffer)
  view.setUint32(0, data.length)
  for (let i = 0; i < 4; i++) whole[4 + i] = type.charCodeAt(i)
  whole.set(data, 8)
  view.setUint32(8 + data.length, crc32(whole.subarray(4, 8 + data.length)))
  return whole
}

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let rest = ~0
  for (const byte of bytes) {
    rest ^= byte
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0)
  }
  return ~rest >>> 0
}
