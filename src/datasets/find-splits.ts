import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { shellWord } from '../text/shell-word.js'
import { type ClassFolder, listClasses } from './list-images.js'
import { PassedOverCounts } from './passed-over.js'
import { type Side, sideOf, SIDES, sidesWithin } from './split-names.js'

/** The folders for sides in a data folder. */
export interface FoundSides {
  readonly data: string
  /** Their paths by side; a side has none, one, or several that only a person can choose from. */
  readonly folders: Readonly<Record<Side, readonly string[]>>
  /** Other folders of images beside them. */
  readonly others: readonly string[]
}

interface Looked {
  readonly folders: readonly ClassFolder[]
  /** Images in the folder itself. */
  readonly images: number
}

/**
 * Whether a data folder has folders for sides inside, by their names: all that hold images are such, or the training side
 * and another are, with class folders in it. Else its folders are classes, whatever they are called. The one place that decides it.
 */
export async function findSides(data: string): Promise<FoundSides | undefined> {
  const folders = await listClasses(data).then(({ classes }) => classes, () => []) // whoever opens it tells why
  const strict = new Map(folders.flatMap(({ label }) => (sideOf(label) ? [[label, sideOf(label) as Side] as const] : [])))
  const words = strict.size > 0 && strict.size === folders.length ? strict : new Map([...sidesWithin(folders.map(({ label }) => label)), ...strict])
  if (words.size === 0) return undefined
  const others: string[] = []
  for (const { label, path } of folders) if (!words.has(label) && (await holdsImages(path))) others.push(label)
  if (others.length > 0 && !(await isTrainingSideAmong(folders, words))) return undefined
  const pathsOf = (side: Side): string[] => folders.filter(({ label }) => words.get(label) === side).map(({ path }) => path)
  return { data, folders: { train: pathsOf('train'), val: pathsOf('val'), test: pathsOf('test') }, others }
}

/** A class called "train", with images in it, beside "bus" and "test", is a class. */
async function isTrainingSideAmong(folders: readonly ClassFolder[], words: ReadonlyMap<string, Side>): Promise<boolean> {
  if (new Set(words.values()).size < 2) return false
  for (const { label, path } of folders) {
    if (words.get(label) !== 'train') continue
    const { folders: classes, images } = await look(path)
    if (classes.length > 0 && images === 0) return true
  }
  return false
}

/** @throws ERR_DATA_CLASSES where there is no folder for the side, or there are several, with what to run instead */
export function oneFolder({ data, folders }: FoundSides, side: Side, command: (folder: string) => string): string {
  const [first, ...more] = folders[side]
  if (first !== undefined && more.length === 0) return first
  const there = first === undefined ? SIDES.flatMap((each) => folders[each]) : folders[side]
  const trouble = first === undefined
    ? `has no folder for the ${NAMES[side]}, only ${there.map((path) => basename(path)).join(' and ')}`
    : `has several folders for the ${NAMES[side]}: ${there.map((path) => basename(path)).join(' and ')}`
  throw new TorchgraftError('ERR_DATA_CLASSES', `${data} ${trouble}. Choose one: ${command(there[0] ?? data)}`, { path: data })
}

export const NAMES: Readonly<Record<Side, string>> = { train: 'training set', val: 'validation set', test: 'test set' }

/** What trains on one folder and validates on another. */
export function trainCommand(train: string, val?: string): string {
  return `torchgraft train ${shellWord(train)}${val === undefined ? '' : ` --val ${shellWord(val)}`}`
}

/** Where a data folder holds the classes, or the sides, in one folder further down: that one. */
export async function nextFolderDown(folder: string): Promise<string | undefined> {
  let at = folder
  for (let depth = 0; depth < 8; depth++) {
    if (depth > 0 && (await findSides(at))) return at
    const { folders } = await look(at)
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
  const { folders, images } = await look(folder)
  if (images > 0) return true
  for (const { path } of folders) if (await holdsImages(path, seen)) return true
  return false
}

/** One folder, without those in it. Nothing where it cannot be listed. */
export async function look(folder: string): Promise<Looked> {
  const counts = new PassedOverCounts()
  const folders = await listClasses(folder, counts).then(({ classes }) => classes, () => [])
  return { folders, images: counts.counts.unclassed }
}
