import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { modelFileAt } from '../runs/model-file-at.js'
import { readSplitBeside, type RunSplit } from '../runs/run-folder.js'
import { type Contradiction, findContradictions, contradictionNotes } from '../datasets/contradictions.js'
import { DataLoader } from '../loader/data-loader.js'
import { findSplits, type FoundSplits, SPLIT_NAMES, oneFolder } from '../datasets/find-splits.js'
import { ImageFolder } from '../datasets/image-folder.js'
import type { SkippedFile } from '../datasets/skipped-file.js'
import { type PassedOver, passedOverNotes } from '../datasets/passed-over.js'
import { type Split, SPLITS } from '../datasets/split-names.js'
import type { SkippedImage } from '../loader/data-loader.js'
import { scoringTransform } from '../augment/transforms.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { abortSignal, checkFields, type Fields, booleanField, required, oneOfField } from '../options/checks.js'
import { aPath, local, type LocalPath } from '../options/local-path.js'
import { evaluate, type Evaluation } from '../train/evaluate.js'
import { COMPUTE_FIELDS, type ComputeOptions } from './options.js'
import { shellWord } from '../text/shell-word.js'
import { openModel } from './open-model.js'

export interface EvaluateModelOptions extends ComputeOptions {
  /** A model file, or a run folder, whose best one is taken. */
  readonly model: LocalPath
  /** A folder with a folder for each class, or one with folders such as train/, val/ and test/ of those inside. */
  readonly data: LocalPath
  /** Of a folder that has sets. @default 'val'; where there is none, the test set */
  readonly side?: Split
  /** Also scores the images that the model was trained on. @default false */
  readonly all?: boolean
  readonly signal?: AbortSignal
}

const FIELDS: Fields<EvaluateModelOptions> = {
  ...COMPUTE_FIELDS, model: required(aPath('a model file')), data: required(aPath('a folder of images')), side: oneOfField(SPLITS), all: booleanField, signal: abortSignal,
}

export interface ModelEvaluation extends Evaluation {
  /** Images that the model was trained on, and that were left out. */
  readonly leftOut: number
  /** Whether it could be told which images the model was trained on. */
  readonly splitKnown: boolean
  readonly skipped: readonly (SkippedFile | SkippedImage)[]
  /** What is no image by its name, counted. */
  readonly passedOver: PassedOver
  /** Images under several labels: here, or here and where the model was trained. */
  readonly contradictions: readonly Contradiction[]
  /** What was done on reading the model file, and what is odd about the folder. */
  readonly notes: readonly string[]
}

/**
 * Scores a model file on a folder of images. Those that it was trained on are left out, where its run folder still tells.
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
  const split = await readSplitBeside(model)
  const chosen = chooseFolder(await findSplits(data), { data, model, side, split })
  const folder = await ImageFolder.open(data, { within: chosen.folder, classes: metadata.classes, ...(signal && { signal }) })
  const learned = new Set(all ? [] : split?.train.map(({ hash }) => hash))
  const kept = folder.items.flatMap(({ hash }, i) => (learned.has(hash) ? [] : [i]))
  if (kept.length === 0) {
    throw new TorchgraftError('ERR_DATA_EMPTY', (option) => `The model was trained on every image in ${chosen.folder} (${folder.length}): score others, or these with ${option('all', true)}`, { path: data })
  }

  const { size, mean, std, resize } = metadata
  const loader = new DataLoader(folder.subset(kept), { batchSize: 32, size, mean, std, transform: scoringTransform(resize), cacheBytes: 0 })
  try {
    const scored = await evaluate(session, loader, signal ? { signal } : {})
    const here = folder.items.map(({ path, label, hash }) => ({ path, label: folder.classes[label] ?? '', hash }))
    const hashes = new Set(here.map(({ hash }) => hash))
    const contradictions = findContradictions([...here, ...(split?.train ?? []).filter(({ hash }) => hashes.has(hash))])
    return {
      ...scored,
      leftOut: folder.length - kept.length,
      splitKnown: split !== undefined,
      skipped: [...folder.skipped, ...loader.skipped],
      passedOver: folder.passedOver,
      contradictions,
      notes: [...opened.notes, ...chosen.notes, ...contradictionNotes(contradictions), ...passedOverNotes(folder.passedOver)],
    }
  } finally {
    await loader.dispose()
  }
}

interface Asked {
  readonly data: string
  readonly model: string
  readonly side: Split | undefined
  readonly split: RunSplit | undefined
}

/** Without a validation set it is what was split off the training set, where it is known what that was; else the test set is next. */
function chooseFolder(found: FoundSplits | undefined, { data, model, side, split }: Asked): { readonly folder: string; readonly notes: readonly string[] } {
  if (!found) {
    if (side === undefined) return { folder: data, notes: [] }
    throw argumentError('no side, since the folder has no training and validation set inside,', 'side', side)
  }
  const folderOf = (which: Split): string => oneFolder(found, which, (folder) => `torchgraft evaluate ${shellWord(model)} ${shellWord(folder)}`)
  const [train] = found.folders.train
  if ((side ?? 'val') !== 'val' || found.folders.val.length > 0) return { folder: folderOf(side ?? 'val'), notes: [] }
  if (train !== undefined && split !== undefined && isOf(split, found)) {
    const other = found.folders.test[0]
    return { folder: folderOf('train'), notes: [`${data} has no folder for the validation set: scored is what was split off ${basename(train)}.${other === undefined ? '' : ` ${basename(other)} is the test set: it is scored where that side is asked for.`}`] }
  }
  const next = side === undefined ? (['test', 'train'] as const).find((which) => found.folders[which].length > 0) : undefined
  if (next === undefined) return { folder: folderOf('val'), notes: [] }
  return { folder: folderOf(next), notes: [`${data} has no folder for the validation set: scored is the ${SPLIT_NAMES[next]}, ${basename(folderOf(next))}.`] }
}

/** Whether a run split the training set of this folder, by the names of its images. */
function isOf({ val: [one] }: RunSplit, { data, folders }: FoundSplits): boolean {
  return one !== undefined && folders.train.some((path) => one.path.startsWith(`${basename(path)}/`)) && existsSync(join(data, one.path))
}
