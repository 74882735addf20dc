import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { ImageFolder, type ImageItem, sameButForCase } from './image-folder.js'
import { compareCodePoints } from './list-pictures.js'

export interface SidesOptions {
  /** A fraction of each class, or a folder. Not used where the data folder has its own `val/`. */
  readonly val: number | string
  readonly seed: number
  /** @default false */
  readonly followLinks?: boolean
  readonly signal?: AbortSignal
}

/** A data set in its parts; the items' paths are relative to the data folder. */
export interface Sides {
  readonly classes: readonly string[]
  readonly train: ImageFolder
  readonly val: ImageFolder
  /** Pictures whose content is another's too. */
  readonly duplicates: number
  /** Of those, contents that lie on both sides: where the folders put them there, or a split by position. */
  readonly shared: number
  /** What is odd about the classes, for the user to know. */
  readonly notes: readonly string[]
}

/**
 * Opens a data folder: one with `train/` and `val/` inside, or one with a folder for each class, which is split.
 *
 * @throws ERR_DATA_EMPTY, ERR_DATA_CLASSES, ERR_ARGUMENT
 */
export async function openSides(data: string, { val, seed, followLinks = false, signal }: SidesOptions): Promise<Sides> {
  const common = { followLinks, ...(signal && { signal }) }
  const { train, val: scored } = await openBoth(data, val, seed, common)
  return describeSides(data, train, scored)
}

/** @throws ERR_DATA_EMPTY where a side has no pictures */
export function describeSides(data: string, train: ImageFolder, scored: ImageFolder): Sides {
  if (train.length === 0 || scored.length === 0) {
    throw new TorchgraftError('ERR_DATA_EMPTY', `${data} has ${train.length} pictures to learn from and ${scored.length} to score: both take at least one. Add pictures, or name another fraction as val`, { path: data })
  }
  const learned = new Set(train.items.map(({ hash }) => hash))
  const contents = new Set([...learned, ...scored.items.map(({ hash }) => hash)])
  return {
    classes: train.classes,
    train,
    val: scored,
    duplicates: train.length + scored.length - contents.size,
    shared: new Set(scored.items.filter(({ hash }) => learned.has(hash)).map(({ hash }) => hash)).size,
    notes: [...tellEmpty(train, scored), ...tellCase(train.classes), ...tellUnscored(train, scored)],
  }
}

function tellEmpty(train: ImageFolder, scored: ImageFolder): string[] {
  const known = new Set(train.classes)
  const empty = [...new Set([...train.empty, ...scored.empty])].filter((label) => !known.has(label))
  return empty.length === 0 ? [] : [`${count(empty.length, 'class folder')} without pictures passed over: ${some(empty)}.`]
}

function tellCase(classes: readonly string[]): string[] {
  const groups = sameButForCase(classes)
  return groups.length === 0 ? [] : [`Classes that differ in case only are taken for different ones: ${some(groups.map((group) => group.join(' and ')))}.`]
}

/** A class of one picture is learned from, and so never scored. */
function tellUnscored(train: ImageFolder, scored: ImageFolder): string[] {
  const seen = new Set(scored.items.map(({ label }) => label))
  const unscored = train.classes.filter((_, label) => !seen.has(label))
  return unscored.length === 0 ? [] : [`${count(unscored.length, 'class', 'classes')} without a picture to score: ${some(unscored)}.`]
}

function count(many: number, one: string, more = `${one}s`): string {
  return `${many} ${many === 1 ? one : more}`
}

function some(names: readonly string[]): string {
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`
}

async function openBoth(data: string, val: number | string, seed: number, common: { readonly followLinks: boolean; readonly signal?: AbortSignal }): Promise<{ readonly train: ImageFolder; readonly val: ImageFolder }> {
  if (await hasSides(data)) {
    const train = await ImageFolder.open(data, { ...common, within: join(data, 'train') })
    return { train, val: await ImageFolder.open(data, { ...common, within: join(data, 'val'), classes: train.classes }) }
  }
  if (typeof val === 'number') return (await ImageFolder.open(data, common)).split({ val, seed })
  const train = await ImageFolder.open(data, common)
  return { train, val: await ImageFolder.open(data, { ...common, within: val, classes: train.classes }) }
}

/** Whether a data folder has `train/` and `val/` inside. */
export async function hasSides(data: string): Promise<boolean> {
  const [train, val] = await Promise.all([isFolder(join(data, 'train')), isFolder(join(data, 'val'))])
  return train && val
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then((info) => info.isDirectory(), () => false)
}

/** Of pictures and their labels, whatever their names and order: 32 hex digits. */
export function fingerprint(classes: readonly string[], items: readonly ImageItem[]): string {
  const lines = items.map(({ label, hash }) => `${hash} ${JSON.stringify(classes[label])}`).sort(compareCodePoints)
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32)
}
