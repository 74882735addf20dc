import { setImmediate as nextTurn } from 'node:timers/promises'
import { DataLoader, IMAGENET_MEAN, IMAGENET_STD } from '../data/data-loader.js'
import type { Dataset } from '../data/dataset.js'
import { notebookStatisticsTransform } from '../data/notebook-transforms.js'
import type { Rgb } from '../data/plan.js'
import { TorchgraftError } from '../errors.js'
import { channelMoments, meanStdOf } from '../native/render-batch.js'
import type { MeanStd, Progress, ResolvedOptions } from './options.js'

/** As the notebook printed them, of its 18 buildings. */
const NOTEBOOK: MeanStd = { mean: [0.4407, 0.4332, 0.4326], std: [0.252, 0.261, 0.2906] }
const IMAGENET: MeanStd = { mean: IMAGENET_MEAN, std: IMAGENET_STD }

export interface MeanStdOptions extends Pick<ResolvedOptions, 'batchSize' | 'size' | 'meanStd' | 'strictImages'> {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** The mean and standard deviation that a run normalizes with: named, or computed over the training side. */
export async function decideMeanStd(train: Dataset, options: MeanStdOptions): Promise<MeanStd> {
  const { meanStd } = options
  if (typeof meanStd === 'object') return meanStd
  if (meanStd === 'imagenet') return IMAGENET
  return meanStd === 'notebook' ? NOTEBOOK : computeMeanStd(train, options)
}

/** The notebook's `getMeanStd`: over pictures squashed to the size, E[x] and √(E[x²] − E[x]²) of means over full batches, in float32 as there. */
async function computeMeanStd(train: Dataset, { batchSize, size, strictImages, signal, onProgress = () => {} }: MeanStdOptions): Promise<MeanStd> {
  const loader = new DataLoader(train, { batchSize, size, transform: notebookStatisticsTransform(), mean: [0, 0, 0], std: [1, 1, 1], dropLast: true, strict: strictImages, cacheBytes: 0 })
  await using _ = loader
  let batches = 0
  const sums = new Float32Array(6)
  for await (const batch of loader.epoch(0, signal ? { signal } : {})) {
    const moments = await channelMoments(batch)
    for (const [i, moment] of moments.entries()) sums[i]! += moment
    batches++
    onProgress({ what: 'mean and standard deviation', done: (batch.step + 1) * batchSize, total: loader.length * batchSize })
  }
  const [r, g, b, ...std] = await meanStdOf(sums, batches)
  return checkSpread({ mean: [r, g, b] as Rgb, std: std as unknown as Rgb })
}

/** @throws ERR_DATA_EMPTY where there were no pixels, or all of a channel are alike */
function checkSpread(meanStd: MeanStd): MeanStd {
  if (meanStd.std.every((part) => part > 0)) return meanStd
  throw new TorchgraftError('ERR_DATA_EMPTY', 'The training pictures have no mean and standard deviation to normalize with: there are none, or all their pixels are alike')
}

/** Means over batches of each channel and of its square. */
export class ChannelSums {
  readonly #sums = [0, 0, 0]
  readonly #squares = [0, 0, 0]
  #batches = 0

  /** Interleaved pixels in 0–1, [pictures, height, width, 3], added in turns, so that nothing else waits long. */
  async add(pixels: Float32Array, weight = 1): Promise<void> {
    const sums = [0, 0, 0]
    const squares = [0, 0, 0]
    for (let begin = 0; begin < pixels.length; begin += TURN) {
      addUp(pixels.subarray(begin, begin + TURN), sums, squares)
      await nextTurn()
    }
    for (let c = 0; c < 3; c++) {
      this.#sums[c]! += ((sums[c]! * 3) / pixels.length) * weight
      this.#squares[c]! += ((squares[c]! * 3) / pixels.length) * weight
    }
    this.#batches += weight
  }

  /** @throws ERR_DATA_EMPTY */
  meanStd(): MeanStd {
    const mean = this.#sums.map((sum) => sum / this.#batches)
    const std = this.#squares.map((square, c) => Math.sqrt(Math.max(0, square / this.#batches - mean[c]! ** 2)))
    return checkSpread({ mean: mean as unknown as Rgb, std: std as unknown as Rgb })
  }
}

/** Numbers added up between two turns of the event loop: a fraction of a millisecond, whole pixels. */
const TURN = 3 << 16

function addUp(pixels: Float32Array, sums: number[], squares: number[]): void {
  let [r, g, b, rr, gg, bb] = [0, 0, 0, 0, 0, 0]
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
