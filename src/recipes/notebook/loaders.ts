import type { TrainVal } from '../../datasets/describe-splits.js'
import type { ImageFolder } from '../../datasets/image-folder.js'
import { DataLoader } from '../../loader/data-loader.js'
import type { DataLoaderOptions } from '../../loader/data-loader-options.js'
import { ValLoaders } from '../../loader/val-loaders.js'
import type { Random } from '../../random/sfc32.js'
import type { MeanStd, ResolvedOptions } from '../options.js'
import { joinLoaders, type Loaders, type Sharing } from '../recipe.js'
import { torchEpochs } from './epoch-random.js'
import { NOTEBOOK_DRAWS, notebookEvalTransform, notebookTrainTransform } from './transforms.js'

export function notebookLoaders(
  options: ResolvedOptions, { train, val }: Pick<TrainVal, 'train' | 'val'>, meanStd: MeanStd, sharing: Sharing = {},
): Loaders {
  const scoring = { ...loaderOptions(options, meanStd), ...sharing, transform: notebookEvalTransform() }
  return joinLoaders(
    notebookTrainLoader(train, options, meanStd, torchEpochs(options.seed, NOTEBOOK_DRAWS), sharing),
    new ValLoaders((size) => new DataLoader(val, { ...scoring, size }), () => options.size),
  )
}

/** Training images, their random numbers given by epoch and place in it. */
export function notebookTrainLoader(
  train: ImageFolder, options: ResolvedOptions, meanStd: MeanStd,
  randomAt: (epoch: number, position: number) => Random, sharing: Sharing = {},
): DataLoader {
  return new DataLoader(train, {
    ...loaderOptions(options, meanStd),
    ...sharing,
    transform: notebookTrainTransform(),
    rngFor: (epoch, _, position) => randomAt(epoch, position),
  })
}

/** The order stays as it is, and a last batch that is not full is left out, in both sets. */
function loaderOptions({ batchSize, size, strictImages }: ResolvedOptions, { mean, std }: MeanStd): Omit<DataLoaderOptions, 'transform'> {
  return { batchSize, size, mean, std, strict: strictImages, dropLast: true }
}
