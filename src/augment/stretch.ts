import { IDENTITY, scale } from './affine.js'
import type { ImageSizes, Plan } from './plan.js'

/** The whole image, scaled to the output without regard to its shape: bilinear, without antialiasing. */
export function stretch({ width, height, output }: ImageSizes): Plan {
  return { geometry: IDENTITY, snap: { height: output, width: output, resize: scale(width / output, height / output) } }
}
