import type { ModelMetadata } from '../runs/model-metadata.js'
import type { DataLoader } from '../loader/data-loader.js'
import { TorchgraftError } from '../errors.js'
import type { ModelName } from '../models/catalogue.js'

type ScoringLoader = Pick<DataLoader, 'dataset' | 'size' | 'mean' | 'std' | 'transform'>

/** What predicting with a model needs to know, from the loader that it was scored with. */
export function modelMetadata(model: ModelName, val: ScoringLoader, metrics?: ModelMetadata['metrics']): ModelMetadata {
  const { dataset, size, mean, std, transform } = val
  const rule = transform.decode?.(size)
  if (!rule) throw new TorchgraftError('ERR_ARGUMENT', 'Expected a validation transform that says how images are resized, such as evalTransform()')
  const { shorterSide, crop, antialias, pad, orient, profile } = rule
  return {
    formatVersion: 1,
    model,
    classes: dataset.classes,
    size,
    resize: { shorterSide, crop, antialias, pad, orient, profile },
    mean,
    std,
    ...(metrics && { metrics: { epoch: metrics.epoch, loss: metrics.loss, top1: metrics.top1, count: metrics.count } }),
  }
}
