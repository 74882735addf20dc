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
import type { ModelMetadata } from '../runs/model-metadata.js'
import { defaultBatchSize } from './batch-size.js'
import { COMPUTE_FIELDS, type ComputeOptions } from './options.js'
import { shellWord } from '../text/shell-word.js'
import { openModel } from './open-model.js'

export interface EvaluateModelOptions extends ComputeOptions {
  /** A model file, or a run folder, whose best one is taken. Not a .onnx file. */
  readonly model: LocalPath
  /** A folder with a folder for each class, or one with folders such as train/, val/ and test/ of those inside. */
  readonly data: LocalPath
  /** Which set of a folder that has sets. @default 'val'; where there is none, what was split off the training set, or the test set */
  readonly split?: Split
  /** Also scores the images that the model was trained on. @default false */
  readonly all?: boolean
  /** Stops between batches, and rejects with `signal.reason`. */
  readonly signal?: AbortSignal
}

const FIELDS: Fields<EvaluateModelOptions> = {
  ...COMPUTE_FIELDS,
  model: required(aPath('a model file')),
  data: required(aPath('a folder of images')),
  split: oneOfField(SPLITS),
  all: booleanField,
  signal: abortSignal,
}

export interface ModelEvaluation extends Evaluation {
  /** Images that the model was trained on, and that were left out. */
  readonly leftOut: number
  /** Whether a run folder tells which images the model was trained on. */
  readonly splitKnown: boolean
  /** Files that could not be read, and why. */
  readonly skipped: readonly (SkippedFile | SkippedImage)[]
  /** Files that are no images by their names, counted. */
  readonly passedOver: PassedOver
  /** Images under several labels: in this folder, or in it and where the model was trained. */
  readonly contradictions: readonly Contradiction[]
  /** What was done on reading the model file, and what is odd about the folder. */
  readonly notes: readonly string[]
}

/**
 * Scores a model file on a folder of images: mean cross entropy and top-1, over all and for each class. The images that the model
 * was trained on are left out, where its run folder still tells which they are. The library's form of `torchgraft evaluate`.
 *
 * @throws ERR_DATA_CLASSES where the folder has classes that the model does not know; ERR_DATA_EMPTY where nothing is left to score;
 * ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED, ERR_ARGUMENT, ERR_DEVICE, ERR_PRECISION; `signal.reason` when aborted
 */
export async function evaluateModel(options: EvaluateModelOptions): Promise<ModelEvaluation> {
  checkFields<EvaluateModelOptions>(options, FIELDS, 'evaluate')
  const { data, split, all = false, signal, ...where } = local(options)
  const model = await modelFileAt(where.model)
  const opened = await openModel(model, where)
  await using session = opened.session
  const { metadata } = opened
  const runSplit = await readSplitBeside(model)
  const chosen = chooseFolder(await findSplits(data), { data, model, split, runSplit })
  const folder = await ImageFolder.open(data, { within: chosen.folder, classes: metadata.classes, ...(signal && { signal }) })
  const kept = all ? [...folder.items.keys()] : unlearned(folder, runSplit)
  if (kept.length === 0) {
    const images = `every image in ${chosen.folder} (${folder.length})`
    throw new TorchgraftError('ERR_DATA_EMPTY', (option) => `The model was trained on ${images}: score others, or these with ${option('all', true)}`, { path: data })
  }

  await using loader = scoringLoader(folder.subset(kept), metadata, defaultBatchSize(session.device, metadata.size))
  const scored = await evaluate(session, loader, signal ? { signal } : {})
  const contradictions = contradictionsOf(folder, runSplit)
  return {
    ...scored,
    leftOut: folder.length - kept.length,
    splitKnown: runSplit !== undefined,
    skipped: [...folder.skipped, ...loader.skipped],
    passedOver: folder.passedOver,
    contradictions,
    notes: [...opened.notes, ...chosen.notes, ...contradictionNotes(contradictions), ...passedOverNotes(folder.passedOver)],
  }
}

/** Indices of the images that a run did not train on, by their contents. */
function unlearned({ items }: ImageFolder, runSplit: RunSplit | undefined): number[] {
  const learned = new Set(runSplit?.train.map(({ hash }) => hash))
  return items.flatMap(({ hash }, i) => (learned.has(hash) ? [] : [i]))
}

function scoringLoader(images: ImageFolder, { size, mean, std, resize }: ModelMetadata, batchSize: number): DataLoader {
  return new DataLoader(images, { batchSize, size, mean, std, transform: scoringTransform(resize), cacheBytes: 0 })
}

/** Images of this folder that have other labels elsewhere in it, or where the model was trained. */
function contradictionsOf({ items, classes }: ImageFolder, runSplit: RunSplit | undefined): readonly Contradiction[] {
  const here = items.map(({ path, label, hash }) => ({ path, label: classes[label] ?? '', hash }))
  const hashes = new Set(here.map(({ hash }) => hash))
  return findContradictions([...here, ...(runSplit?.train ?? []).filter(({ hash }) => hashes.has(hash))])
}

interface Asked {
  readonly data: string
  readonly model: string
  readonly split: Split | undefined
  readonly runSplit: RunSplit | undefined
}

/**
 * The folder to score. Where there is none for the validation set it is what a run split off the training set, if that run is
 * known; else the test set is next.
 */
function chooseFolder(found: FoundSplits | undefined, asked: Asked): { readonly folder: string; readonly notes: readonly string[] } {
  const { data, model, split, runSplit } = asked
  if (!found) {
    if (split === undefined) return { folder: data, notes: [] }
    throw argumentError('no split, since the folder has no training and validation set inside,', 'split', split)
  }
  const folderOf = (which: Split): string => oneFolder(found, which, (folder) => `torchgraft evaluate ${shellWord(model)} ${shellWord(folder)}`)
  if ((split ?? 'val') !== 'val' || found.folders.val.length > 0) return { folder: folderOf(split ?? 'val'), notes: [] }
  const missing = `${data} has no folder for the validation set`
  const [train] = found.folders.train
  if (train !== undefined && runSplit !== undefined && isOf(runSplit, found)) {
    const [test] = found.folders.test
    const left = test === undefined ? '' : ` ${basename(test)} is the test set: it is scored where that split is asked for.`
    return { folder: folderOf('train'), notes: [`${missing}: scored is what was split off ${basename(train)}.${left}`] }
  }
  const next = split === undefined ? (['test', 'train'] as const).find((which) => found.folders[which].length > 0) : undefined
  if (next === undefined) return { folder: folderOf('val'), notes: [] }
  return { folder: folderOf(next), notes: [`${missing}: scored is the ${SPLIT_NAMES[next]}, ${basename(folderOf(next))}.`] }
}

/** Whether a run split the training set of this folder, by the names of its images. */
function isOf({ val: [one] }: RunSplit, { data, folders }: FoundSplits): boolean {
  return one !== undefined && folders.train.some((path) => one.path.startsWith(`${basename(path)}/`)) && existsSync(join(data, one.path))
}
