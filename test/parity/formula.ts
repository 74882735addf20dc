import type { Batch } from '../../src/data/batch.js'
import { byteLength, elements, type StateDict, type Tensor } from '../../src/formats/tensor.js'

/** Weights and pictures that Python makes too: see generate.py, which has the same functions. */
export const MEAN = 0.5
export const STD = 0.25

export function draw(name: string, count: number): Uint32Array {
  let seed = 2166136261
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 16777619)
  return Uint32Array.from({ length: count }, (_, i) => {
    let x = (Math.imul(i, 2654435761) + seed) | 0
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
    return x ^ (x >>> 16)
  })
}

export function formulaWeights(model: StateDict): StateDict {
  return new Map([...model].map(([name, tensor]) => [name, formulaTensor(name, tensor)]))
}

function formulaTensor(name: string, { dtype, shape }: Tensor): Tensor {
  const data = new Uint8Array(byteLength(dtype, shape))
  if (dtype !== 'int64') {
    const fanIn = elements(shape.slice(1))
    const shapeIt = (x: number): number => {
      if (shape.length > 1) return x * Math.sqrt(3 / fanIn)
      if (name.endsWith('running_var')) return 1 + 0.2 * x
      return name.endsWith('1.weight') ? 1 + 0.1 * x : 0.1 * x
    }
    new Float32Array(data.buffer).set([...draw(name, elements(shape))].map((integer) => shapeIt(integer / 2 ** 31 - 1)))
  }
  return { dtype, shape, data }
}

export function formulaBatch(count: number, size: number, classes: number): Batch {
  return {
    size: count,
    step: 0,
    indices: Int32Array.from({ length: count }, (_, i) => i),
    labels: Int32Array.from({ length: count }, (_, i) => i % classes),
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
