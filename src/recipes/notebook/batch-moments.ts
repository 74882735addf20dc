import type { Batch } from '../../loader/batch.js'
import type { Rgb } from '../../augment/plan.js'
import { TorchgraftError } from '../../errors.js'
import { channelMoments, meanStdOf } from '../../session/render-batch.js'
import type { MeanStd } from '../options.js'

/** The notebook's `getMeanStd`, batch by batch: E[x] and √(E[x²] − E[x]²) of means over batches, in float32 as there. */
export class BatchMoments {
  readonly #sums = new Float32Array(6)
  #batches = 0

  /** A batch that is not normalized. */
  async add(batch: Batch): Promise<void> {
    for (const [i, moment] of (await channelMoments(batch)).entries()) this.#sums[i]! += moment
    this.#batches++
  }

  /**
   * Zero where all pixels of a channel are alike.
   *
   * @throws ERR_DATA_EMPTY without a batch
   */
  async meanStd(): Promise<MeanStd> {
    if (this.#batches === 0) throw new TorchgraftError('ERR_DATA_EMPTY', 'There is no batch of training images to take the mean and standard deviation of: too few of them can be read')
    const [r, g, b, ...std] = await meanStdOf(this.#sums, this.#batches)
    const positive = std.map((part) => (part > 0 ? part : 0)) // the root of a difference that rounding made negative is NaN
    return { mean: [r, g, b] as Rgb, std: positive as unknown as Rgb }
  }
}
