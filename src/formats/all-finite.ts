import { setImmediate as nextTurn } from 'node:timers/promises'
import type { StateDict } from './tensor.js'

const EXPONENT = 0x7f800000
/** Numbers looked at between two turns of the event loop: less than a millisecond. */
const CHUNK = 1 << 18

/** Whether no float32 tensor of a state holds an infinity or a NaN. */
export async function allFinite(tensors: StateDict): Promise<boolean> {
  let sinceTurn = 0
  for (const { dtype, data } of tensors.values()) {
    if (dtype !== 'float32') continue
    const aligned = data.byteOffset % 4 === 0 ? data : data.slice()
    const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
    for (let begin = 0; begin < words.length; begin += CHUNK) {
      const chunk = words.subarray(begin, begin + CHUNK)
      for (let i = 0; i < chunk.length; i++) if (((chunk[i] ?? 0) & EXPONENT) === EXPONENT) return false
      if ((sinceTurn += chunk.length) < CHUNK) continue
      await nextTurn()
      sinceTurn = 0
    }
  }
  return true
}
