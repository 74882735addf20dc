import type { Pixels } from './sizes.js'

/** The resize rule of a model, as far as it is about sizes. */
interface Rule {
  readonly crop: number | null
  readonly pad: 'square' | null
}

export function atModelSize(pixels: Pixels, rule: Rule, size: number): Uint8Array | Float32Array
