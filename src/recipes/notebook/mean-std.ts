import { IMAGENET_MEAN, IMAGENET_STD } from '../../augment/normalization.js'
import type { Dataset } from '../../datasets/dataset.js'
import { TorchgraftError } from '../../errors.js'
import { DataLoader } from '../../loader/data-loader.js'
import type { MeanStd, ResolvedOptions } from '../options.js'
import type { Preparation } from '../recipe.js'
import { BatchMoments } from './batch-moments.js'
import { notebookStatisticsTransform } from './transforms.js'

/** As the notebook printed them, of its 18 buildings. */
const NOTEBOOK: MeanStd = { mean: [0.4407, 0.4332, 0.4326], std: [0.252, 0.261, 0.2906] }
const IMAGENET: MeanStd = { mean: IMAGENET_MEAN, std: IMAGENET_STD }

export interface MeanStdOptions extends Preparation, Pick<ResolvedOptions, 'batchSize' | 'size' | 'meanStd' | 'strictImages'> {}

/** The mean and standard deviation that a run normalizes with: named, or computed over the training set. */
export async function decideMeanStd(train: Dataset, options: MeanStdOptions): Promise<MeanStd> {
  const { meanStd } = options
  if (typeof meanStd === 'object') return meanStd
  if (meanStd === 'imagenet') return IMAGENET
  return meanStd === 'notebook' ? NOTEBOOK : computeMeanStd(train, options)
}

const NOT_NORMALIZED: MeanStd = { mean: [0, 0, 0], std: [1, 1, 1] }

/** Over the training set's images, stretched to the size, in full batches. */
async function computeMeanStd(train: Dataset, options: MeanStdOptions): Promise<MeanStd> {
  const { batchSize, size, strictImages, signal, onProgress = () => {} } = options
  const loading = { batchSize, size, transform: notebookStatisticsTransform(), dropLast: true, strict: strictImages, cacheBytes: 0 }
  await using loader = new DataLoader(train, { ...loading, ...NOT_NORMALIZED })
  const moments = new BatchMoments()
  for await (const batch of loader.epoch(0, { signal })) {
    await moments.add(batch)
    onProgress({ what: 'mean and standard deviation', done: (batch.step + 1) * batchSize, total: loader.length * batchSize })
  }
  const meanStd = await moments.meanStd()
  if (meanStd.std.every((part) => part > 0)) return meanStd
  throw new TorchgraftError('ERR_DATA_EMPTY', 'All pixels of the training images are alike in a channel, so that nothing can be normalized by their standard deviation')
}
