import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { modelFileAt } from '../checkpoints/model-file-at.js'
import { readSplitBeside } from '../checkpoints/run-folder.js'
import { DataLoader } from '../data/data-loader.js'
import { ImageFolder, type SkippedFile } from '../data/image-folder.js'
import type { SkippedImage } from '../data/data-loader.js'
import { scoringTransform } from '../data/transforms.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { abortSignal, checkFields, type Fields, flag, needed, word } from '../fields.js'
import { aPath, local, type LocalPath } from '../local-path.js'
import { evaluate, type Evaluation } from '../train/evaluate.js'
import { COMPUTE_FIELDS, type ComputeOptions } from './compute-options.js'
import { openModel } from './open-model.js'

export interface EvaluateModelOptions extends ComputeOptions {
  /** A model file, or a run folder, whose best one is taken. */
  readonly model: LocalPath
  /** A folder with a folder for each class, or one with train/, val/ or test/ of those inside. */
  readonly data: LocalPath
  /** Of a folder that has sides. @default 'val' */
  readonly side?: 'train' | 'val' | 'test'
  /** Also scores the pictures that the model was trained on. @default false */
  readonly all?: boolean
  readonly signal?: AbortSignal
}

const FIELDS: Fields<EvaluateModelOptions> = {
  ...COMPUTE_FIELDS, model: needed(aPath('a model file')), data: needed(aPath('a folder of pictures')), side: word(['train', 'val', 'test']), all: flag, signal: abortSignal,
}

export interface ModelEvaluation extends Evaluation {
  /** Pictures that the model was trained on, and that were left out. */
  readonly leftOut: number
  /** Whether it could be told which pictures the model was trained on. */
  readonly splitKnown: boolean
  readonly skipped: readonly (SkippedFile | SkippedImage)[]
  /** What was done on reading the model file. */
  readonly notes: readonly string[]
}

/**
 * Scores a model file on a folder of pictures. Those that it was trained on are left out, where its run folder still tells.
 *
 * @throws ERR_DATA_CLASSES when the folder has classes that the model does not know
 */
export async function evaluateModel(options: EvaluateModelOptions): Promise<ModelEvaluation> {
  checkFields<EvaluateModelOptions>(options, FIELDS, 'evaluate')
  const { data, side, all = false, signal, ...where } = local(options)
  const model = await modelFileAt(where.model)
  const opened = await openModel(model, where)
  await using session = opened.session
  const { metadata } = opened
  const folder = await ImageFolder.open(chooseFolder(data, side), { classes: metadata.classes, ...(signal && { signal }) })
  const split = await readSplitBeside(model)
  const learned = new Set(all ? [] : split?.train.map(({ hash }) => hash))
  const kept = folder.items.flatMap(({ hash }, i) => (learned.has(hash) ? [] : [i]))
  if (kept.length === 0) {
    throw new TorchgraftError('ERR_DATA_EMPTY', (option) => `The model was trained on every picture in ${data} (${folder.length}): score others, or these with ${option('all', true)}`, { path: data })
  }

  const { size, mean, std, resize } = metadata
  const loader = new DataLoader(folder.subset(kept), { batchSize: 32, size, mean, std, transform: scoringTransform(resize), cacheBytes: 0 })
  try {
    const scored = await evaluate(session, loader, signal ? { signal } : {})
    return { ...scored, leftOut: folder.length - kept.length, splitKnown: split !== undefined, skipped: [...folder.skipped, ...loader.skipped], notes: opened.notes }
  } finally {
    await loader.dispose()
  }
}

function chooseFolder(data: string, side: 'train' | 'val' | 'test' | undefined): string {
  const sided = ['train', 'val'].every((name) => existsSync(join(data, name)))
  if (sided) return join(data, side ?? 'val')
  if (side !== undefined) throw argumentError('no side, since the folder has no train/ and val/ inside,', 'side', side)
  return data
}
