import { IDENTITY, scale } from './affine.js'
import type { Plan } from './plan.js'

export interface Sizes {
  readonly width: number
  readonly height: number
  /** Height and width of what comes out. */
  readonly output: number
}

/** The whole image, scaled to the output without regard to its shape: bilinear, without antialiasing. */
export function stretch({ width, height, output }: Sizes): Plan {
  return { geometry: IDENTITY, snap: { height: output, width: output, resize: scale(width / output, height / output) } }
}
