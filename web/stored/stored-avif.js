import { latin1 } from './first-bytes.js'
import { useOf } from './profile.js'

/** Boxes that hold boxes, by how many bytes of their own they begin with. @type {Readonly<Record<string, number>>} */
const HOLDERS = { meta: 4, iprp: 0, ipco: 0, iref: 4, moov: 0, trak: 0, tref: 0 }

/** Of boxes in boxes that tell something. */
const DEPTH = 3
const BRAND_AT = 8

/**
 * Its image alone: the transparency beside it is no longer named as such. How it is turned belongs to the image, and every
 * decoder does it.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes they are written to
 * @param {{ readonly profile: boolean }} rule
 * @returns {import('./stored.js').Stored}
 */
export function storedAvif(bytes, rule) {
  /** @type {Uint8Array | undefined} */
  let icc
  // Of an animation its still image, as torchgraft takes it: decoders go by the brand that is named first.
  if (latin1(bytes, BRAND_AT, 4) === 'avis') bytes.set(ascii('avif'), BRAND_AT)
  for (const { type, at, data } of boxes(bytes, 0, bytes.length, DEPTH)) {
    if (type === 'auxl' || type === 'prem') bytes.set(ascii('skip'), at + 4)
    if (type === 'colr' && /^(?:prof|rICC)/.test(latin1(data, 0, 4))) icc ??= data.subarray(4)
  }
  return { parts: [bytes], format: 'other', orientation: 1, ...(rule.profile ? useOf(icc, { grey: false }) : { profile: false }) }
}

/**
 * @param {Uint8Array} bytes @param {number} from @param {number} to @param {number} depth how far down they are looked into
 * @returns {Generator<{ readonly type: string, readonly at: number, readonly data: Uint8Array }>}
 */
function* boxes(bytes, from, to, depth) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = from; at + 8 <= to;) {
    const size = view.getUint32(at) || to - at
    const type = latin1(bytes, at + 4, 4)
    const end = Math.min(at + size, to)
    if (size < 8) return // one of 4 GiB, or damaged
    yield { type, at, data: bytes.subarray(at + 8, end) }
    const own = HOLDERS[type]
    if (own !== undefined && depth > 0) yield* boxes(bytes, at + 8 + own, end, depth - 1)
    at = end
  }
}

/** @param {string} text */
function ascii(text) {
  return new TextEncoder().encode(text)
}
