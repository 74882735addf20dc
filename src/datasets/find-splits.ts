import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { shellWord } from '../text/shell-word.js'
import { type ClassFolder, listClasses } from './list-folder.js'
import { PassedOverCounts } from './passed-over.js'
import { type Split, splitNamed, SPLITS, splitsWithin } from './split-names.js'

/** The folders for sets in a data folder. */
export interface FoundSplits {
  readonly data: string
  /** Their paths by split; a split has none, one, or several that only a person can choose from. */
  readonly folders: Readonly<Record<Split, readonly string[]>>
  /** Other folders of images beside them. */
  readonly others: readonly string[]
}

/** What lies in a folder itself. */
interface FolderScan {
  readonly folders: readonly ClassFolder[]
  /** A count. */
  readonly images: number
}

/**
 * Whether a data folder has folders for sets inside, by their names: all that hold images are such, or the training set
 * and another are, with class folders in it. Else its folders are classes, whatever they are called. The one place that decides it.
 */
export async function findSplits(data: string): Promise<FoundSplits | undefined> {
  const folders = await listClasses(data).then(({ classes }) => classes, () => []) // opening it throws the reason
  const splits = splitsByName(folders.map(({ label }) => label))
  if (splits.size === 0) return undefined
  const others: string[] = []
  for (const { label, path } of folders) if (!splits.has(label) && (await holdsImages(path))) others.push(label)
  if (others.length > 0 && !(await hasTrainingSplit(folders, splits))) return undefined
  const pathsOf = (split: Split): string[] => folders.filter(({ label }) => splits.get(label) === split).map(({ path }) => path)
  return { data, folders: { train: pathsOf('train'), val: pathsOf('val'), test: pathsOf('test') }, others }
}

/** Folders named for a split: `train`, and unless all are, `seg_train` too. */
function splitsByName(names: readonly string[]): ReadonlyMap<string, Split> {
  const exact = new Map<string, Split>()
  for (const name of names) {
    const split = splitNamed(name)
    if (split) exact.set(name, split)
  }
  if (exact.size > 0 && exact.size === names.length) return exact
  return new Map([...splitsWithin(names), ...exact])
}

/** A class called "train", with images in it, beside "bus" and "test", is a class. */
async function hasTrainingSplit(folders: readonly ClassFolder[], splits: ReadonlyMap<string, Split>): Promise<boolean> {
  if (new Set(splits.values()).size < 2) return false
  for (const { label, path } of folders) {
    if (splits.get(label) !== 'train') continue
    const { folders: classes, images } = await scanFolder(path)
    if (classes.length > 0 && images === 0) return true
  }
  return false
}

/** @throws ERR_DATA_CLASSES where there is no folder for the split, or there are several, with what to run instead */
export function oneFolder({ data, folders }: FoundSplits, split: Split, command: (folder: string) => string): string {
  const [first, ...more] = folders[split]
  if (first !== undefined && more.length === 0) return first
  const there = first === undefined ? SPLITS.flatMap((each) => folders[each]) : folders[split]
  const trouble = first === undefined
    ? `has no folder for the ${SPLIT_NAMES[split]}, only ${there.map((path) => basename(path)).join(' and ')}`
    : `has several folders for the ${SPLIT_NAMES[split]}: ${there.map((path) => basename(path)).join(' and ')}`
  throw new TorchgraftError('ERR_DATA_CLASSES', `${data} ${trouble}. Choose one: ${command(there[0] ?? data)}`, { path: data })
}

export const SPLIT_NAMES: Readonly<Record<Split, string>> = { train: 'training set', val: 'validation set', test: 'test set' }

/** What trains on one folder and validates on another. */
export function trainCommand(train: string, val?: string): string {
  return `torchgraft train ${shellWord(train)}${val === undefined ? '' : ` --val ${shellWord(val)}`}`
}

/** Where a data folder holds the classes, or the sets, in one folder further down: that one. */
export async function nextFolderDown(folder: string): Promise<string | undefined> {
  let at = folder
  for (let depth = 0; depth < 8; depth++) {
    if (depth > 0 && (await findSplits(at))) return at
    const { folders } = await scanFolder(at)
    const filled: string[] = []
    for (const { path } of folders) if (await holdsImages(path)) filled.push(path)
    if (filled.length > 1) return depth > 0 ? at : undefined
    if (filled[0] === undefined) return undefined
    at = filled[0]
  }
  return undefined
}

/** Whether there is an image in a folder, at any depth. Each folder is looked at once, however links lead. */
export async function holdsImages(folder: string, seen = new Set<string>()): Promise<boolean> {
  const real = await realpath(folder).catch(() => folder)
  if (seen.has(real)) return false
  seen.add(real)
  const { folders, images } = await scanFolder(folder)
  if (images > 0) return true
  for (const { path } of folders) if (await holdsImages(path, seen)) return true
  return false
}

/** The folders and images in a folder, not in those below it. Nothing where it cannot be listed. */
export async function scanFolder(folder: string): Promise<FolderScan> {
  const counts = new PassedOverCounts()
  const folders = await listClasses(folder, counts).then(({ classes }) => classes, () => [])
  return { folders, images: counts.counts.unclassed }
}
