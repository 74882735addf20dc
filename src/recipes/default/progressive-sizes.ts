import type { SizeStep } from '../../runs/events.js'

/** Of the full size, in the first epochs. */
const FIRST = 4 / 7

interface ImageSizes {
  readonly progressiveResizing: boolean
  /** Height and width in the last epochs. */
  readonly size: number
  readonly epochs: number
}

/**
 * Sizes that images grow through, each for as many epochs: with a stride of 32, 128, 160, 192 and 224 for 224. One where that is small
 * already.
 *
 * @param stride of the model's last feature map: at its multiples a convolution leaves out no row of an image
 */
export function progressiveSizes(size: number, stride: number): readonly number[] {
  const sizes: number[] = []
  for (let next = Math.ceil((FIRST * size) / stride) * stride; next < size; next += stride) sizes.push(next)
  return [...sizes, size]
}

/**
 * Height and width of images in an epoch, from 0: the last epochs have the full size. After Howard's progressive resizing
 * (fast.ai, 2018) and Tan and Le 2021, arXiv:2104.00298.
 */
export function sizeInEpoch({ progressiveResizing, size, epochs }: ImageSizes, stride: number): (epoch: number) => number {
  if (!progressiveResizing) return () => size
  const sizes = progressiveSizes(size, stride)
  return (epoch) => sizes.at(-1 - Math.floor(((epochs - 1 - epoch) * sizes.length) / epochs)) ?? size
}

/** The sizes of a run's epochs, where they are not all alike. */
export function sizeSteps(options: ImageSizes, stride: number): readonly SizeStep[] {
  const at = sizeInEpoch(options, stride)
  const steps: SizeStep[] = []
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    if (at(epoch) !== steps.at(-1)?.size) steps.push({ from: epoch + 1, size: at(epoch) })
  }
  return steps.length > 1 ? steps : []
}
