import { join, relative, resolve, sep } from 'node:path'
import { argumentError, TorchgraftError } from '../errors.js'
import { abortSignal, type Check, checkFields, type Fields, booleanField, list, required, numberField, text, integerField } from '../options/checks.js'
import { aPath, type LocalPath, toPath } from '../options/local-path.js'
import { hashFiles } from './content-hash.js'
import type { Dataset, Sample } from './dataset.js'
import { compareCodePoints, listClasses, type ListedImage, listImages } from './list-images.js'
import { NOTHING_PASSED_OVER, type PassedOver, PassedOverCounts } from './passed-over.js'
import { nothingFound, oneClass, refuseSides } from './refuse-folder.js'
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
  /** Where the class folders lie, within the root or elsewhere; several are taken as one. @default the root */
  readonly within?: LocalPath | readonly LocalPath[]
  /** Names in the order of their labels. @default the folders' names, sorted by code point */
  readonly classes?: readonly string[]
  readonly signal?: AbortSignal
}

const folders: Check = (value, name) => (Array.isArray(value) && value.length > 0 ? list(aPath('a folder')) : aPath('a folder, or several'))(value, name)
const INDICES = list(integerField({ min: 0 }))
const FIELDS: Fields<ImageFolderOptions> = { followLinks: booleanField, within: folders, classes: list(text('a name')), signal: abortSignal }
const SPLIT_FIELDS: Fields<SplitOptions> = { val: required(numberField({ above: 0, max: 1 })), seed: integerField({ min: 0 }) }

/** Images that were listed before. */
export let withItems: (root: string, classes: readonly string[], items: readonly ImageItem[]) => ImageFolder

/** A folder with a folder of images for each class; deeper folders belong to their class. */
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

  private constructor(root: string, { classes, items, skipped, empty, passedOver }: Pick<ImageFolder, 'classes' | 'items' | 'skipped' | 'empty' | 'passedOver'>) {
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
    const { followLinks = false, within = root, signal } = options
    if (options.within === undefined) await refuseSides(root)
    const folders = [within].flat().map(toPath)
    const name = namer(root)
    const passed = new PassedOverCounts()
    const listed = await Promise.all(folders.map(async (folder) => {
      const { classes, skipped } = await listClasses(folder, passed)
      const found = await listImages(classes, { root: folder, followLinks, lookAt: false, keep: (path) => copied(name(path)), passedOver: passed, signal })
      return { labels: classes.map(({ label }) => label), images: found.images, skipped: [...skipped, ...found.skipped] }
    }))
    const images = listed.flatMap((each) => each.images)
    const paths = { length: images.length, at: (i: number) => join(root, (images[i] as ListedImage).path) }
    const { hashes, failed } = await hashFiles(paths, signal)
    const filled = new Set<string>()
    for (const [i, { label }] of images.entries()) if (hashes[i] !== undefined) filled.add(label)
    const found = [...filled].sort(compareCodePoints)
    const classes = options.classes ?? found
    const skipped = [...listed.flatMap((each) => each.skipped), ...failed].map((file) => ({ ...file, path: name(file.path) }))
    if (found.length === 0) throw await nothingFound(folders, passed.counts, skipped)
    if (options.classes) checkKnown(folders.join(' and '), found, options.classes)
    else if (found.length === 1) throw await oneClass(folders, found[0] ?? '')
    const number = new Map(classes.map((label, i) => [label, i]))
    const items: ImageItem[] = []
    for (const [i, { path, label }] of images.entries()) {
      const hash = hashes[i]
      if (hash !== undefined) items.push({ path, label: number.get(label) ?? 0, hash })
    }
    const empty = [...new Set(listed.flatMap(({ labels }) => labels))].filter((label) => !filled.has(label))
    return new ImageFolder(resolve(root), { classes, items, skipped, empty, passedOver: passed.counts })
  }

  static {
    withItems = (root, classes, items) => new ImageFolder(resolve(root), { classes, items, skipped: [], empty: [], passedOver: NOTHING_PASSED_OVER })
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
    return new ImageFolder(this.root, { classes: this.classes, items: indices.map((index) => this.#item(index)), skipped, empty: this.empty, passedOver: this.passedOver })
  }

  #item(index: number): ImageItem {
    const item = this.items[index]
    if (typeof index === 'number' && item) return item
    throw argumentError(`a number from 0 to ${this.length - 1}`, 'index', index)
  }
}

/** Not a slice, which would keep the whole of the longer string in memory: of a million paths that is 80 MB. */
function copied(part: string): string {
  return Buffer.from(part).toString()
}

/** Paths relative to the root, with `/`. */
function namer(root: string): (path: string) => string {
  const inside = join(root, sep)
  return (path) => (sep === '/' && path.startsWith(inside) ? path.slice(inside.length) : relative(root, path).split(sep).join('/'))
}

function checkKnown(folder: string, found: readonly string[], known: readonly string[]): void {
  const names = new Set(known)
  const strange = found.filter((label) => !names.has(label))
  if (strange.length > 0) throw new TorchgraftError('ERR_DATA_CLASSES', `${folder} has folders of unknown classes: ${strange.slice(0, 5).join(', ')}${strange.length > 5 ? ', …' : ''}. The classes are ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}${differInCase(strange, known)}`, { path: folder })
}

/** Names that are alike but for case and composition of letters, which file systems of other machines take for one. */
export function sameButForCase(names: readonly string[]): (readonly string[])[] {
  const groups = new Map<string, string[]>()
  for (const name of names) {
    const key = name.normalize('NFC').toLowerCase()
    const group = groups.get(key)
    if (group) group.push(name)
    else groups.set(key, [name])
  }
  return [...groups.values()].filter((group) => group.length > 1)
}

function differInCase(strange: readonly string[], known: readonly string[]): string {
  const odd = new Set(strange)
  const pairs = sameButForCase([...known, ...strange]).filter((group) => group.some((name) => odd.has(name)))
  return pairs.length === 0 ? '' : `. ${pairs.slice(0, 3).map((group) => group.join(' and ')).join('; ')} differ in case only: rename the folders`
}
