import type { Batch } from './batch.js'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'
import { lazyPixels } from './lazy-pixels.js'
import { paddedSize } from './pad-pixels.js'
import type { Rgb } from '../augment/plan.js'
import { random } from '../random/sfc32.js'
import { scoringTransform } from '../augment/transforms.js'

export interface EvalBatchOptions {
  /** Output height and width. */
  readonly size: number
  readonly mean: Rgb
  readonly std: Rgb
  /** The rule that the images were decoded by. */
  readonly resize: ResizeRule
}

/** A batch to predict, without labels: decoded images, rendered as in validation. */
export function evalBatch(images: readonly Pixels[], { size, mean, std, resize }: EvalBatchOptions): Batch {
  const plan = scoringTransform(resize)
  const plans = images.map((image) => plan({ ...paddedSize(image, resize.pad), output: size }, random(), 0))
  return {
    size: images.length,
    step: 0,
    indices: Int32Array.from(images, (_, i) => i),
    images: lazyPixels(images, resize.pad, { plans, output: size, mean, std }),
  }
}
