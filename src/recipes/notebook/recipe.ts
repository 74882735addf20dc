import { DataLoader } from '../../loader/data-loader.js'
import type { DataLoaderOptions } from '../../loader/data-loader-options.js'
import type { ImageFolder } from '../../datasets/image-folder.js'
import { openNotebookSplit } from './split.js'
import { NOTEBOOK_DRAWS, notebookEvalTransform, notebookTrainTransform } from './transforms.js'
import { torchEpochs } from '../../random/torch.js'
import { argumentError } from '../../errors.js'
import { balancedWeights } from '../default/recipe.js'
import type { MeanStd, ResolvedOptions } from '../options.js'
import { joinLoaders, type Recipe } from '../recipe.js'
import { constant } from '../schedules.js'
import { ValLoaders } from '../../loader/val-loaders.js'

/**
 * The recipe of W. Jarrard, "A Look at Transfer Learning in Pytorch" (2022-07-12), number for number. What cannot have been
 * meant is left out: that it loads another file than it saved, and reads its data set through a global.
 */
export const NOTEBOOK_RECIPE: Recipe = {
  openTrainVal: (data, { val, followLinks }, signal) => openNotebookSplit(data, { val, followLinks, ...(signal && { signal }) }),
  checkTrainVal: ({ batchSize }, { train, val }) => {
    const most = Math.min(train.length, val.length)
    if (batchSize > most) throw argumentError(`at most ${most}, the images of the smaller set, since the notebook's recipe leaves out a batch that is not full,`, 'batchSize', batchSize)
  },
  sessionOptions({ model, device, precision, memoryFormat, kernels, threads, seed, freeze, lr, classWeights }, classes, counts, gpu) {
    const format = memoryFormat ?? (gpu ? undefined : 'contiguous')
    return {
      model,
      classes,
      device,
      precision: precision === 'auto' ? (gpu ? 'fp16' : 'fp32') : precision,
      scorePrecision: 'fp32',
      kernels,
      ...(threads !== null && { threads }),
      seed,
      freeze,
      ...(format && { memoryFormat: format }),
      // On a CPU PyTorch's default is not fused, and training magnifies the last bit: with both its losses are the notebook's.
      optimizer: { type: 'adam', lr, fused: gpu || format !== 'contiguous' },
      ...(classWeights === 'balanced' && { loss: { classWeights: balancedWeights(counts) } }),
    }
  },
  loaders(options, sets, meanStd) {
    return joinLoaders(
      notebookTrainLoader(sets.train, options, meanStd, torchEpochs(options.seed, NOTEBOOK_DRAWS)),
      new ValLoaders((size) => new DataLoader(sets.val, { ...loaderOptions(options, meanStd), size, transform: notebookEvalTransform() }), () => options.size),
    )
  },
  schedule: ({ lr }) => constant(lr),
  precisionReason: (gpu) => (gpu ? 'autocast and GradScaler, as the notebook has it' : 'the notebook’s own code computes so on a CPU'),
}

/** Training images, their random numbers given by epoch and place. */
export function notebookTrainLoader(train: ImageFolder, options: ResolvedOptions, meanStd: MeanStd, draws: ReturnType<typeof torchEpochs>): DataLoader {
  return new DataLoader(train, { ...loaderOptions(options, meanStd), transform: notebookTrainTransform(), rngFor: (epoch, _, position) => draws(epoch, position) })
}

/** The order stays as it is, and a last batch that is not full is left out, in both sets. */
function loaderOptions({ batchSize, size, strictImages }: ResolvedOptions, { mean, std }: MeanStd): Omit<DataLoaderOptions, 'transform'> {
  return { batchSize, size, mean, std, strict: strictImages, dropLast: true }
}
