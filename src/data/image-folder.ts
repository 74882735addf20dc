import { basename, relative, resolve, sep } from 'node:path'
import { argumentError, TorchgraftError, type TorchgraftErrorCode } from '../errors.js'
import { hashFiles } from './content-hash.js'
import type { Dataset, Sample } from './dataset.js'
import { compareCodePoints, listClasses, listPictures } from './list-pictures.js'
import { splitByContent, type SplitOptions } from './split.js'

export interface ImageItem {
  /** Relative to the folder's root, with `/`. */
  readonly path: string
  readonly label: number
  /** The first 32 hex digits of the SHA-256 of the file. */
  readonly hash: string
}

/** A file that is no picture to train on, and why. */
export interface SkippedFile {
  readonly path: string
  readonly code: TorchgraftErrorCode
  readonly message: string
}

export interface ImageFolderOptions {
  /** Follows links that lead out of the folder. @default false */
  readonly followLinks?: boolean
  /** Where the class folders lie, within the root or elsewhere; several are taken as one. @default the root */
  readonly within?: string | readonly string[]
  /** Names in the order of their labels. @default the folders' names, sorted by code point */
  readonly classes?: readonly string[]
  readonly signal?: AbortSignal
}

/** A folder with a folder of pictures for each class; deeper folders belong to their class. */
export class ImageFolder implements Dataset {
  readonly root: string
  readonly classes: readonly string[]
  readonly items: readonly ImageItem[]
  /** Links that lead outside, formats that cannot be read, files that may not be. */
  readonly skipped: readonly SkippedFile[]

  private constructor(root: string, classes: readonly string[], items: readonly ImageItem[], skipped: readonly SkippedFile[]) {
    this.root = root
    this.classes = classes
    this.items = items
    this.skipped = skipped
  }

  /**
   * Lists the pictures of a folder and hashes each. Class folders without pictures are passed over.
   *
   * @throws ERR_DATA_EMPTY, ERR_DATA_CLASSES
   */
  static async open(root: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
    const { followLinks = false, within = root, signal } = options
    if (typeof root !== 'string' || root === '') throw argumentError('a folder', 'root', root)
    const folders = typeof within === 'string' ? [within] : within
    const listed = await Promise.all(folders.map(async (folder) => listPictures(await listClasses(folder), { root: folder, followLinks })))
    const { hashed, failed } = await hashFiles(listed.flatMap(({ pictures }) => pictures), signal)
    const found = [...new Set(hashed.map(({ label }) => label))].sort(compareCodePoints)
    const classes = options.classes ?? found
    checkClasses(folders.join(' and '), found, options.classes)
    const number = new Map(classes.map((label, i) => [label, i]))
    const name = (path: string): string => relative(root, path).split(sep).join('/')
    const items = hashed.map(({ path, label, hash }) => ({ path: name(path), label: number.get(label) ?? 0, hash }))
    return new ImageFolder(resolve(root), classes, items, [...listed.flatMap(({ skipped }) => skipped), ...failed].map((file) => ({ ...file, path: name(file.path) })))
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

  /** Equal for pictures of equal content. */
  key(index: number): string {
    return this.#item(index).hash
  }

  /** Two sides of the same classes: stratified, decided by content, exact duplicates on one side. */
  split(options: SplitOptions): { readonly train: ImageFolder; readonly val: ImageFolder } {
    const { train, val } = splitByContent(this.items, options)
    return { train: this.subset(train), val: this.subset(val) }
  }

  /** The pictures with these numbers, in this order, as a folder of the same classes. */
  subset(indices: readonly number[], skipped: readonly SkippedFile[] = this.skipped): ImageFolder {
    return new ImageFolder(this.root, this.classes, indices.map((index) => this.#item(index)), skipped)
  }

  #item(index: number): ImageItem {
    const item = this.items[index]
    if (item) return item
    throw argumentError(`a number from 0 to ${this.length - 1}`, 'index', index)
  }
}

function checkClasses(folder: string, found: readonly string[], known: readonly string[] | undefined): void {
  if (found.length === 0) {
    throw new TorchgraftError('ERR_DATA_EMPTY', `There are no pictures in ${folder}. Lay them out as ${basename(folder)}/CLASS/PICTURE.jpg, a folder for each class`, { path: folder })
  }
  if (known) {
    const strange = found.filter((label) => !known.includes(label))
    if (strange.length > 0) throw new TorchgraftError('ERR_DATA_CLASSES', `${folder} has folders of unknown classes: ${strange.slice(0, 5).join(', ')}. The classes are ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}`, { path: folder })
  } else if (found.length === 1) {
    throw new TorchgraftError('ERR_DATA_CLASSES', `${folder} has pictures of one class only, ${found[0] ?? ''}: to tell classes apart it takes two or more, each in a folder of its own`, { path: folder })
  }
}
