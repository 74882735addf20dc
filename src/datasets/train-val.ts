import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { compareCodePoints } from '../text/code-points.js'
import { firstNames } from './class-names.js'
import { describeTrainVal, type TrainVal } from './describe-splits.js'
import { findSplits, type FoundSplits, oneFolder, trainCommand } from './find-splits.js'
import { ImageFolder, type ImageFolderOptions, type ImageItem } from './image-folder.js'
import { splitsAmongClassesNotes } from './split-notes.js'

export interface TrainValOptions {
  /** A folder, or a fraction of each class: the fraction is not used where the data folder has its own `val/`. */
  readonly val: number | string
  readonly seed: number
  /** @default false */
  readonly followLinks?: boolean
  readonly signal?: AbortSignal
}

/**
 * Opens a data folder: one with folders for sets inside, such as `train/` and `val/`, or one with a folder for each class, which is split.
 *
 * @throws ERR_DATA_EMPTY, ERR_DATA_CLASSES, ERR_ARGUMENT
 */
export async function openTrainVal(data: string, { val, seed, followLinks = false, signal }: TrainValOptions): Promise<TrainVal> {
  const common = { followLinks, ...(signal && { signal }) }
  const { train, val: scored, notes } = await openBoth(data, val, seed, common)
  return describeTrainVal(data, train, scored, notes)
}

interface Opened {
  readonly train: ImageFolder
  readonly val: ImageFolder
  readonly notes: readonly string[]
}

type Common = Pick<ImageFolderOptions, 'followLinks' | 'signal'>

async function openBoth(data: string, val: number | string, seed: number, common: Common): Promise<Opened> {
  const found = await findSplits(data)
  if (!found) {
    const all = await ImageFolder.open(data, { ...common, within: data })
    const notes = splitsAmongClassesNotes(data, all)
    if (typeof val === 'number') return { ...all.split({ val, seed }), notes }
    return { train: all, val: await openOther(data, val, all, common), notes }
  }
  const { train: within, val: other, notes } = chooseSplits(found, val)
  const train = await ImageFolder.open(data, { ...common, within })
  if (other !== undefined) return { train, val: await openOther(data, other, train, common), notes }
  return { ...train.split({ val: val as number, seed }), notes }
}

function openOther(data: string, within: string, { classes }: ImageFolder, common: Common): Promise<ImageFolder> {
  return ImageFolder.open(data, { ...common, within, classes })
}

interface ChosenSplits {
  readonly train: string
  /** Undefined where the validation set is to be split off the training set. */
  readonly val: string | undefined
  readonly notes: readonly string[]
}

/**
 * The folders to train and to validate on in a data folder that has folders for splits. A folder that is named as `val` goes before one
 * that lies there; without either, the validation set is split off the training set.
 *
 * @throws ERR_DATA_CLASSES where only a person can choose, with what to run
 */
export function chooseSplits(found: FoundSplits, val: number | string): ChosenSplits {
  const { data, folders, others } = found
  const validation = typeof val === 'string' ? val : folders.val[0]
  const train = oneFolder(found, 'train', (folder) => {
    const other = [validation, ...folders.test].find((path) => path !== folder)
    return trainCommand(folder, other)
  })
  const lies = typeof val === 'number' && folders.val.length > 0
  const own = lies ? oneFolder(found, 'val', (folder) => trainCommand(train, folder)) : undefined
  const notes: string[] = []
  if (typeof val === 'number' && own === undefined) {
    const test = folders.test.map((path) => basename(path)).join(' and ')
    const left = test === '' ? '' : ` ${test} is left for "torchgraft evaluate --split test".`
    notes.push(`${data} has no folder for the validation set: ${percent(val)} of ${basename(train)} becomes it.${left}`)
  }
  if (others.length > 0) {
    notes.push(`Folders beside ${basename(train)} that are no training, validation or test set passed over: ${firstNames(others)}.`)
  }
  return { train, val: typeof val === 'string' ? val : own, notes }
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(3))} %`
}

/** A hash of the images' contents and labels, whatever their names and order: 32 hex digits. */
export function fingerprint(classes: readonly string[], items: readonly ImageItem[]): string {
  const lines = items.map(({ label, hash }) => `${hash} ${JSON.stringify(classes[label])}`).sort(compareCodePoints)
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32)
}
