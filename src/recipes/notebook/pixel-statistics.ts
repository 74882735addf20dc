import type { Pixels } from '../../images/pixels.js'
import type { ResizeRule } from '../../images/resize-rule.js'
import { evalBatch } from '../../loader/eval-batch.js'
import type { MeanStd } from '../options.js'
import type { PixelStatistics } from '../recipe.js'
import { BatchMoments } from './batch-moments.js'
import { notebookStatisticsTransform } from './transforms.js'

/**
 * As a run computes its mean and standard deviation, to the last bit: over full batches, a broken image's place counted. So
 * a batch of decoded images is held, as by the run.
 */
export class NotebookStatistics implements PixelStatistics {
  readonly rule: ResizeRule
  readonly #size: number
  readonly #batchSize: number
  readonly #moments = new BatchMoments()
  #held: Pixels[] = []
  #places = 0

  /** @param size height and width that images are stretched to */
  constructor(size: number, batchSize: number) {
    this.rule = notebookStatisticsTransform().decode!(size)
    this.#size = size
    this.#batchSize = batchSize
  }

  async add(pixels: Pixels | undefined): Promise<void> {
    if (pixels) this.#held.push(pixels)
    if (++this.#places % this.#batchSize > 0) return
    const options = { size: this.#size, mean: [0, 0, 0], std: [1, 1, 1], resize: this.rule } as const
    if (this.#held.length > 0) await this.#moments.add(evalBatch(this.#held, options))
    this.#held = []
  }

  meanStd(): Promise<MeanStd> {
    return this.#moments.meanStd()
  }
}
