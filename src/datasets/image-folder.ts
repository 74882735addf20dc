import { join, relative, resolve, sep } from 'node:path'
import { argumentError } from '../errors.js'
import { abortSignal, booleanField, type Check, checkFields, type Fields } from '../options/checks.js'
import { integerField, list, numberField, required, text } from '../options/checks.js'
import { aPath, type LocalPath, toPath } from '../options/local-path.js'
import { compareCodePoints } from '../text/code-points.js'
import { checkKnownClasses } from './class-names.js'
import { hashFiles } from './content-hash.js'
import type { Dataset, Sample } from './dataset.js'
import { listClasses } from './list-folder.js'
import { type ListedImage, listImages } from './list-images.js'
import { NOTHING_PASSED_OVER, type PassedOver, PassedOverCounts } from './passed-over.js'
import { nothingFound, oneClass, refuseSplits } from './refuse-folder.js'
import type { SkippedFile } from './skipped-file.js'
import { splitByContent, type SplitOptions } from './stratified-split.js'

export interface ImageItem {
  /** Relative to the folder's root, with `/`. */
  readonly path: string
  readonly label: number
  /** The first 32 hex digits of the SHA-256 of the file. */
  readonly hash: string
}

export interface ImageFolderOptions {
  /** Follows links that lead out of the folder. @default false */
  readonly followLinks?: boolean
  /** Where the class folders lie, within the root or elsewhere; several are listed as one. @default the root */
  readonly within?: LocalPath | readonly LocalPath[]
  /** Names in the order of their labels. @default the folders' names, sorted by code point */
  readonly classes?: readonly string[]
  readonly signal?: AbortSignal
}

const folders: Check = (value, name) => {
  const check = Array.isArray(value) && value.length > 0 ? list(aPath('a folder')) : aPath('a folder, or several')
  check(value, name)
}
const INDICES = list(integerField({ min: 0 }))
const FIELDS: Fields<ImageFolderOptions> = {
  followLinks: booleanField, within: folders, classes: list(text('a name')), signal: abortSignal,
}
const SPLIT_FIELDS: Fields<SplitOptions> = { val: required(numberField({ above: 0, max: 1 })), seed: integerField({ min: 0 }) }

/** Opens a folder without listing it: with the images that a run's `split.json` names. */
export let withItems: (root: string, classes: readonly string[], items: readonly ImageItem[]) => ImageFolder

/**
 * A data set of image files: a folder with a folder of images for each class, as torchvision's `ImageFolder` takes it. Deeper
 * folders belong to their class.
 */
export class ImageFolder implements Dataset {
  readonly root: string
  readonly classes: readonly string[]
  readonly items: readonly ImageItem[]
  /** Links that lead outside, formats that cannot be read, files that may not be. */
  readonly skipped: readonly SkippedFile[]
  /** Names of class folders without images, which are no classes. */
  readonly empty: readonly string[]
  /** What is no image by its name, counted. */
  readonly passedOver: PassedOver

  private constructor(root: string, contents: Pick<ImageFolder, 'classes' | 'items' | 'skipped' | 'empty' | 'passedOver'>) {
    const { classes, items, skipped, empty, passedOver } = contents
    this.root = root
    this.classes = classes
    this.items = items
    this.skipped = skipped
    this.empty = empty
    this.passedOver = passedOver
  }

  /**
   * Lists the images of a folder and hashes each. Class folders without images are passed over.
   *
   * @throws ERR_DATA_EMPTY; ERR_DATA_CLASSES, also where the folders are sets, such as train/ and val/: name one as `within`
   */
  static async open(location: LocalPath, options: ImageFolderOptions = {}): Promise<ImageFolder> {
    aPath('a folder')(location, 'root')
    checkFields<ImageFolderOptions>(options, FIELDS, 'ImageFolder.open')
    const root = toPath(location)
    if (options.within === undefined) await refuseSplits(root)
    const folders = [options.within ?? root].flat().map(toPath)
    const { labels, images, skipped, passedOver } = await listFolders(root, folders, options)
    const paths = { length: images.length, at: (i: number) => join(root, (images[i] as ListedImage).path) }
    const { hashes, failed } = await hashFiles(paths, options.signal)
    const leftOut = [...skipped, ...relativeTo(root, failed)]
    const filled = new Set<string>()
    for (const [i, { label }] of images.entries()) if (hashes[i] !== undefined) filled.add(label)
    const found = [...filled].sort(compareCodePoints)
    if (found.length === 0) throw await nothingFound(folders, passedOver, leftOut)
    if (options.classes) checkKnownClasses(folders.join(' and '), found, options.classes)
    else if (found.length === 1) throw await oneClass(folders, found[0] ?? '')
    const classes = options.classes ?? found
    const items = hashedItems(images, hashes, classes)
    const empty = [...new Set(labels)].filter((label) => !filled.has(label))
    return new ImageFolder(resolve(root), { classes, items, skipped: leftOut, empty, passedOver })
  }

  static {
    const nothing = { skipped: [], empty: [], passedOver: NOTHING_PASSED_OVER }
    withItems = (root, classes, items) => new ImageFolder(resolve(root), { classes, items, ...nothing })
  }

  get length(): number {
    return this.items.length
  }

  get(index: number): Promise<Sample> {
    const { path, label } = this.#item(index)
    return Promise.resolve({ image: resolve(this.root, path), label })
  }

  name(index: number): string {
    return this.#item(index).path
  }

  /** Equal for images of equal content. */
  key(index: number): string {
    return this.#item(index).hash
  }

  /** Two sets of the same classes: stratified, decided by content, exact duplicates in one split. */
  split(options: SplitOptions): { readonly train: ImageFolder; readonly val: ImageFolder } {
    checkFields<SplitOptions>(options, SPLIT_FIELDS, 'split')
    const { train, val } = splitByContent(this.items, options)
    return { train: this.subset(train), val: this.subset(val) }
  }

  /** The images with these numbers, in this order, as a folder of the same classes. */
  subset(indices: readonly number[], skipped: readonly SkippedFile[] = this.skipped): ImageFolder {
    INDICES(indices, 'indices')
    const { classes, empty, passedOver } = this
    return new ImageFolder(this.root, { classes, items: indices.map((index) => this.#item(index)), skipped, empty, passedOver })
  }

  #item(index: number): ImageItem {
    const item = this.items[index]
    if (typeof index === 'number' && item) return item
    throw argumentError(`a number from 0 to ${this.length - 1}`, 'index', index)
  }
}

interface ListedFolders {
  /** Of all class folders, also those without images. */
  readonly labels: readonly string[]
  /** Their paths are relative to the root, as those of `skipped`. */
  readonly images: readonly ListedImage[]
  readonly skipped: readonly SkippedFile[]
  readonly passedOver: PassedOver
}

/** Lists the class folders in several folders as if they were one. */
async function listFolders(root: string, folders: readonly string[], options: ImageFolderOptions): Promise<ListedFolders> {
  const { followLinks = false, signal } = options
  const passedOver = new PassedOverCounts()
  const name = namer(root)
  const keep = (path: string): string => copied(name(path))
  const listed = await Promise.all(folders.map(async (folder) => {
    const { classes, skipped } = await listClasses(folder, passedOver)
    const found = await listImages(classes, { root: folder, followLinks, lookAt: false, keep, passedOver, signal })
    return { labels: classes.map(({ label }) => label), images: found.images, skipped: [...skipped, ...found.skipped] }
  }))
  return {
    labels: listed.flatMap(({ labels }) => labels),
    images: listed.flatMap(({ images }) => images),
    skipped: relativeTo(root, listed.flatMap(({ skipped }) => skipped)),
    passedOver: passedOver.counts,
  }
}

/** The images that were read, with numbers for their labels. */
function hashedItems(images: readonly ListedImage[], hashes: readonly (string | undefined)[], classes: readonly string[]): ImageItem[] {
  const numbers = new Map(classes.map((label, i) => [label, i]))
  const items: ImageItem[] = []
  for (const [i, { path, label }] of images.entries()) {
    const hash = hashes[i]
    if (hash !== undefined) items.push({ path, label: numbers.get(label) ?? 0, hash })
  }
  return items
}

function relativeTo(root: string, files: readonly SkippedFile[]): SkippedFile[] {
  const name = namer(root)
  return files.map((file) => ({ ...file, path: name(file.path) }))
}

/** A function from paths to paths relative to the root, with `/`. */
function namer(root: string): (path: string) => string {
  const inside = join(root, sep)
  return (path) => (sep === '/' && path.startsWith(inside) ? path.slice(inside.length) : relative(root, path).split(sep).join('/'))
}

/** Not a slice, which would keep the whole of the longer string in memory: of a million paths that is 80 MB. */
function copied(part: string): string {
  return Buffer.from(part).toString()
}
