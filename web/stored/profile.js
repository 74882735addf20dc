// Which colour profiles torchgraft applies: those of an image's own kind of colours, grey or red, green and blue.
import { NOTES } from '../notes.js'
import { latin1 } from './first-bytes.js'

/** @typedef {{ readonly profile: boolean, readonly note?: string }} Use `profile`: whether the browser is to apply it */

const [TAGS_AT, TAG_BYTES] = [128, 12]

/** @param {Uint8Array | undefined} profile @param {{ readonly grey: boolean }} image @returns {Use} */
export function useOf(profile, { grey }) {
  if (!profile || profile.length < TAGS_AT + 4 || latin1(profile, 36, 4) !== 'acsp') return { profile: false }
  const space = latin1(profile, 16, 4)
  if (!(grey ? ['GRAY'] : ['RGB ', 'Lab ', 'XYZ ']).includes(space)) return { profile: false }
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength)
  const whole = view.getUint32(0) <= profile.length
  if (!whole || space === 'Lab ' || space === 'XYZ ') return { profile: false, note: NOTES.profile } // no browser applies these
  return { profile: true, ...(hasTable(profile, view.getUint32(TAGS_AT)) && { note: NOTES.profile }) }
}

/**
 * Of all colours, as scanners' have it: what lies between its points is computed in more than one way.
 *
 * @param {Uint8Array} profile @param {number} tags how many there are
 */
function hasTable(profile, tags) {
  for (let i = 0, at = TAGS_AT + 4; i < tags && at < profile.length; i++, at += TAG_BYTES) {
    if (latin1(profile, at, 3) === 'A2B') return true
  }
  return false
}
