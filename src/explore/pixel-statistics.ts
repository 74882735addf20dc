import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Pixels } from '../images/pixels.js'
import type { ResizeRule } from '../images/resize-rule.js'
import { evalBatch } from '../loader/eval-batch.js'
import type { Rgb } from '../augment/plan.js'
import { BatchMoments } from '../recipes/notebook/batch-moments.js'
import type { MeanStd } from '../recipes/options.js'

/** Takes the training images one by one, in order; of a broken one it is told too. */
export interface PixelStatistics {
  add(pixels: Pixels | undefined): Promise<void>
  meanStd(): MeanStd | Promise<MeanStd>
}

/** Of images as they are, each counted alike, however large: means over images of E[x] and E[x²]. */
export class ImageStatistics implements PixelStatistics {
  readonly #means = [0, 0, 0]
  readonly #squares = [0, 0, 0]
  #images = 0

  async add(pixels: Pixels | undefined): Promise<void> {
    if (!pixels) return
    const { data, width, height } = pixels
    const sums = [0, 0, 0]
    const squares = [0, 0, 0]
    for (let begin = 0; begin < data.length; begin += TURN) {
      addUp(data.subarray(begin, begin + TURN), sums, squares)
      await nextTurn()
    }
    for (let c = 0; c < 3; c++) {
      this.#means[c]! += sums[c]! / (width * height * 255)
      this.#squares[c]! += squares[c]! / (width * height * 255 * 255)
    }
    this.#images++
  }

  meanStd(): MeanStd {
    const mean = this.#means.map((sum) => sum / this.#images)
    const std = this.#squares.map((sum, c) => Math.sqrt(Math.max(0, sum / this.#images - mean[c]! ** 2)))
    return { mean: mean as unknown as Rgb, std: std as unknown as Rgb }
  }
}

/** Numbers added up between two turns of the event loop: about a millisecond, whole pixels. */
const TURN = 3 << 18

function addUp(pixels: Uint8Array, sums: number[], squares: number[]): void {
  let [r, g, b, rr, gg, bb] = [0, 0, 0, 0, 0, 0] // whole numbers, so that nothing is rounded
  for (let i = 0; i < pixels.length; i += 3) {
    const [x, y, z] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!]
    r += x
    g += y
    b += z
    rr += x * x
    gg += y * y
    bb += z * z
  }
  for (const [c, sum] of [r, g, b].entries()) sums[c]! += sum
  for (const [c, square] of [rr, gg, bb].entries()) squares[c]! += square
}

export interface NotebookStatisticsOptions {
  readonly batchSize: number
  /** Height and width that images are squashed to. */
  readonly size: number
  /** What the images were decoded by. */
  readonly resize: ResizeRule
}

/**
 * As a run of the notebook's recipe computes them, to the last bit: over full batches, a broken image's place counted. So
 * a batch of decoded images is held, as by the run.
 */
export class NotebookStatistics implements PixelStatistics {
  readonly #moments = new BatchMoments()
  readonly #options: NotebookStatisticsOptions
  #held: Pixels[] = []
  #places = 0

  constructor(options: NotebookStatisticsOptions) {
    this.#options = options
  }

  async add(pixels: Pixels | undefined): Promise<void> {
    const { batchSize, size, resize } = this.#options
    if (pixels) this.#held.push(pixels)
    if (++this.#places % batchSize > 0) return
    if (this.#held.length > 0) await this.#moments.add(await evalBatch(this.#held, { size, mean: [0, 0, 0], std: [1, 1, 1], resize }))
    this.#held = []
  }

  meanStd(): Promise<MeanStd> {
    return this.#moments.meanStd()
  }
}
