import type { ModelMetadata } from '../runs/model-metadata.js'
import { IMAGENET_MEAN, IMAGENET_STD } from '../augment/normalization.js'
import { argumentError, TorchgraftError } from '../errors.js'
import type { LazyStateDict } from '../formats/lazy-tensor.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { noModelError } from '../models/nearest-model.js'
import { recognizeVariant } from '../models/recognize.js'
import { plural } from '../text/plural.js'
import type { ForeignOptions } from './options.js'

/** torchvision resizes the shorter side to 256 and crops 224 of it for scoring. */
const SHORTER_SIDE = 256 / 224

/**
 * The metadata that a model file of torchgraft's would have, for weights that others wrote: images are resized, cropped and
 * normalized as torchvision does it.
 *
 * @throws ERR_STATE_DICT_MISMATCH where no model has such tensors; ERR_ARGUMENT without as many names as it has outputs
 */
export async function foreignMetadata(path: string, tensors: LazyStateDict, options: ForeignOptions): Promise<ModelMetadata> {
  const { classes, size = 224 } = options
  await setUpAtFirstUse()
  const found = recognizeVariant(tensors)
  if (!found) throw noModelError(path, tensors)
  const { variant: model, classes: outputs } = found
  if (!classes) {
    const names = `the ${outputs === 1 ? 'name' : 'names'} of ${plural(outputs, 'class', 'classes')}, in the order of the model's outputs,`
    throw argumentError(`${names} since ${path} does not name them,`, 'classes', classes)
  }
  if (classes.length !== outputs) {
    const expected = `${plural(outputs, 'name')}, one for each output of ${path},`
    throw new TorchgraftError('ERR_ARGUMENT', (option) => `Expected ${expected} for ${option('classes')} but received ${classes.length}`)
  }
  const resize = { shorterSide: Math.round(size * SHORTER_SIDE), crop: size, antialias: true, pad: null, orient: true, profile: true }
  return { formatVersion: 1, model, classes, size, resize, mean: IMAGENET_MEAN, std: IMAGENET_STD }
}
