import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path'
import { describeTrainVal, type TrainVal } from '../../datasets/describe-splits.js'
import { splitsAmongClassesNotes } from '../../datasets/split-notes.js'
import { findSplits } from '../../datasets/find-splits.js'
import { ImageFolder, type ImageFolderOptions } from '../../datasets/image-folder.js'
import type { SkippedFile } from '../../datasets/skipped-file.js'
import { compareCodePoints } from '../../text/code-points.js'
import { numpyShuffled } from '../../random/numpy.js'
import { chooseSplits } from '../../datasets/train-val.js'
import { endingOf } from '../../images/image-endings.js'

/** The seed of the notebook's split, whatever the run's is. */
export const NOTEBOOK_SPLIT_SEED = 1999
/** What torchvision's `ImageFolder` takes for an image. */
const EXTENSIONS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif', '.tiff', '.webp'])

export interface NotebookSplitOptions extends Pick<ImageFolderOptions, 'followLinks' | 'signal'> {
  /** The share of the images at the end of the shuffled order, or a folder of its own. */
  readonly val: number | string
}

/**
 * The notebook's two sets: the images in the order of torchvision's `ImageFolder`, those of `train/` and `val/` together
 * where the data folder has them, shuffled by `np.random.seed(1999); np.random.shuffle`; the first `floor((1 − val) · n)`
 * are learned from. With a folder as `val`, each set is all of its own folder, shuffled so.
 *
 * @throws ERR_DATA_EMPTY, ERR_DATA_CLASSES
 */
export async function openNotebookSplit(data: string, { val, ...options }: NotebookSplitOptions): Promise<TrainVal> {
  const found = await findSplits(data)
  const chosen = found && chooseSplits(found, val)
  if (typeof val === 'string') {
    const train = shuffled(await openInOrder(data, [chosen?.train ?? data], options))
    const scored = shuffled(await openInOrder(data, [val], { ...options, classes: train.classes }))
    return describeTrainVal(data, train, scored, chosen?.notes)
  }
  const folders = chosen ? [chosen.train, ...(chosen.val === undefined ? [] : [chosen.val])] : [data]
  const all = shuffled(await openInOrder(data, folders, options))
  const count = Math.floor((1 - val) * all.length)
  const indices = Array.from(all.items.keys())
  const [train, scored] = [all.subset(indices.slice(0, count)), all.subset(indices.slice(count))]
  return describeTrainVal(data, train, scored, chosen?.notes ?? splitsAmongClassesNotes(data, all))
}

function shuffled(folder: ImageFolder): ImageFolder {
  return folder.subset(numpyShuffled(folder.length, NOTEBOOK_SPLIT_SEED))
}

/** By class, then by the folder within it, then by name, each compared by code point; several folders as if they were one. */
async function openInOrder(data: string, within: readonly string[], options: ImageFolderOptions): Promise<ImageFolder> {
  const folder = await ImageFolder.open(data, { ...options, within })
  const places = folder.items.map(({ path, label }, index) => {
    const classFolders = within.map((set) => join(set, folder.classes[label] ?? ''))
    const relatives = classFolders.map((classFolder) => relative(classFolder, resolve(data, path)))
    const inside = relatives.find((inner) => !inner.startsWith(`..${sep}`)) ?? path
    const parent = dirname(inside)
    return { index, path, key: [label, parent === '.' ? '' : parent, basename(inside), path] as const }
  })
  const isImage = ({ path }: { readonly path: string }): boolean => EXTENSIONS.has(extname(path).toLowerCase())
  const images = places.filter(isImage).sort((a, b) => compareKeys(a.key, b.key))
  const skipped = places.filter((place) => !isImage(place)).map(({ path }): SkippedFile => {
    return { path, code: 'ERR_IMAGE_DECODE', message: `the notebook's data set takes no ${ofEnding(path)}` }
  })
  return folder.subset(images.map(({ index }) => index), [...folder.skipped, ...skipped])
}

type Key = readonly [label: number, folder: string, name: string, path: string]

function compareKeys([label, ...texts]: Key, [otherLabel, ...otherTexts]: Key): number {
  if (label !== otherLabel) return label - otherLabel
  for (const [i, text] of texts.entries()) {
    const order = compareCodePoints(text, otherTexts[i] ?? '')
    if (order !== 0) return order
  }
  return 0
}

function ofEnding(path: string): string {
  const ending = endingOf(path)
  return ending === '' ? 'files without an ending' : `${ending} images`
}
