import { IDENTITY, scale } from './affine.js'
import type { ImageSizes, Plan } from './plan.js'

/**
 * Resizes the whole image to the square output, whatever its aspect ratio: torchvision's bilinear
 * `Resize((output, output), antialias=False)`.
 */
export function stretch({ width, height, output }: ImageSizes): Plan {
  return { geometry: IDENTITY, snap: { height: output, width: output, resize: scale(width / output, height / output) } }
}
