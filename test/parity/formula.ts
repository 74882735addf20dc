import type { Batch } from '../../src/loader/batch.js'
import { byteLength, elements, type Tensor } from '../../src/formats/tensor.js'
import type { Session } from '../../src/session/session.js'

/** Weights and images that Python makes too: generator/formula.py has the same functions. */
export const CLASSES = 10
export const MEAN = 0.5
export const STD = 0.25

/** Under jest a global is slow to look up, and this is asked a billion times. */
const { imul } = Math

/** Integers of 32 bits from a name and a place. */
export function draw(name: string, count: number): Uint32Array {
  let seed = 2166136261
  for (const byte of new TextEncoder().encode(name)) seed = imul(seed ^ byte, 16777619)
  const integers = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    let x = (imul(i, 2654435761) + seed) | 0
    x = imul(x ^ (x >>> 16), 0x85ebca6b)
    x = imul(x ^ (x >>> 13), 0xc2b2ae35)
    integers[i] = x ^ (x >>> 16)
  }
  return integers
}

/** Puts the formula's weights into a session. */
export async function loadFormula(session: Session): Promise<void> {
  const state = await session.stateDict()
  await session.loadStateDict(new Map([...state].map(([name, tensor]) => [name, formulaTensor(name, tensor)])))
}

function formulaTensor(name: string, { dtype, shape }: Tensor): Tensor {
  const data = new Uint8Array(byteLength(dtype, shape))
  if (dtype === 'int64') return { dtype, shape, data }
  const numbers = new Float32Array(data.buffer)
  const integers = draw(name, numbers.length)
  const [base, factor] = range(name, shape)
  for (let i = 0; i < numbers.length; i++) numbers[i] = base + factor * (integers[i]! / 2 ** 31 - 1)
  return { dtype, shape, data }
}

/** The middle and half the width. */
function range(name: string, shape: readonly number[]): readonly [number, number] {
  if (shape.length > 1) return [0, Math.sqrt(3 / elements(shape.slice(1)))]
  if (name.endsWith('running_var')) return [1, 0.2]
  return name.endsWith('1.weight') ? [1, 0.1] : [0, 0.1]
}

export function formulaBatch(count: number, size: number): Batch {
  return {
    size: count,
    step: 0,
    indices: Int32Array.from({ length: count }, (_, i) => i),
    labels: Int32Array.from({ length: count }, (_, i) => i % CLASSES),
    images: {
      pixels: Uint8Array.from(draw(`pictures ${size}`, count * size * size * 3), (integer) => integer >>> 24),
      shapes: new Int32Array(count * 2).fill(size),
      plans: Array.from({ length: count }, () => ({ geometry: [1, 0, 0, 0, 1, 0] as const })),
      output: size,
      mean: [MEAN, MEAN, MEAN],
      std: [STD, STD, STD],
    },
  }
}
