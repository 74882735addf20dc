import { type Uint32Generator, mt19937 } from './mt19937.js'
import type { Random } from './sfc32.js'

/** `torch.manual_seed(seed)`: PyTorch's generator on the CPU. It takes the seed's low 32 bits, as PyTorch does. */
export function torchGenerator(seed: number): Uint32Generator {
  return mt19937(seed % 2 ** 32)
}

/** `torch.randperm(n)`. */
export function torchRandperm(n: number, bits: Uint32Generator): number[] {
  const order = Array.from({ length: n }, (_, i) => i)
  for (let i = 0; i < n - 1; i++) {
    const j = i + (bits() % (n - i))
    const item = order[i] as number
    order[i] = order[j] as number
    order[j] = item
  }
  return order
}

/** One number of `torch.empty(n).uniform_(from, to)`, float32: 24 bits, the product and the sum rounded once. */
export function torchUniform(from: number, to: number, bits: Uint32Generator): number {
  const low = Math.fround(from)
  const share = (bits() % 2 ** 24) / 2 ** 24
  return Math.fround(share * Math.fround(Math.fround(to) - low) + low)
}

interface LinearParameters {
  /** [outputs, inputs], row-major. */
  readonly weight: Float32Array<ArrayBuffer>
  /** [outputs]. */
  readonly bias: Float32Array<ArrayBuffer>
}

/** The initial parameters of `torch.nn.Linear(inputs, outputs)`: uniform within ±1/√inputs, the weight drawn before the bias. */
export function torchLinear(inputs: number, outputs: number, bits: Uint32Generator): LinearParameters {
  const kaiming = Math.sqrt(3) * (Math.sqrt(2 / (1 + Math.sqrt(5) ** 2)) / Math.sqrt(inputs)) // kaiming_uniform_ with a = √5
  const bound = 1 / Math.sqrt(inputs)
  return {
    weight: Float32Array.from({ length: outputs * inputs }, () => torchUniform(-kaiming, kaiming, bits)),
    bias: Float32Array.from({ length: outputs }, () => torchUniform(-bound, bound, bits)),
  }
}

/** A generator's 32 bits as numbers in [0, 1), and back. */
export const toRandom = (bits: Uint32Generator): Random => () => bits() / 2 ** 32
export const toBits = (random: Random): Uint32Generator => () => random() * 2 ** 32
