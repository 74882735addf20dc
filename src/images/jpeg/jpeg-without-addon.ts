import { setImmediate as nextTurn } from 'node:timers/promises'
import { scaled } from '../../../web/resample/triangle.js'
import { turned } from '../../../web/resample/orientation.js'
import type { JpegRequest } from './jpeg-decoder.js'
import { applyColours } from '../colour-profile.js'
import { decodeByWasm } from './jpeg-turbo-wasm.js'

/** What native/images does, byte for byte, where there is no addon: the same library, and the same sums in the same order. */
export async function decodeWithoutAddon(bytes: Uint8Array, request: JpegRequest): Promise<Uint8Array | undefined> {
  const { decoded, resized, window, orientation, colours } = request
  await nextTurn() // each takes this thread for some milliseconds: others come in between
  const data = await decodeByWasm(bytes, decoded)
  if (!data) return undefined
  if (colours) applyColours(data, colours)
  return turned(scaled({ data, ...decoded }, resized, window), orientation).data
}
