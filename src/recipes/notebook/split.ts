import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path'
import { describeTrainVal, type TrainVal } from '../../datasets/describe-splits.js'
import { splitsAmongClassesNotes } from '../../datasets/split-notes.js'
import { findSplits } from '../../datasets/find-splits.js'
import { ImageFolder, type ImageFolderOptions } from '../../datasets/image-folder.js'
import { compareCodePoints } from '../../text/code-points.js'
import { numpyShuffled } from '../../random/numpy.js'
import { chooseSplits } from '../../datasets/train-val.js'
import { endingOf } from '../../images/image-endings.js'

/** The seed of the notebook's split, whatever the run's is. */
export const NOTEBOOK_SPLIT_SEED = 1999
/** What torchvision's `ImageFolder` takes for an image. */
const EXTENSIONS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.png', '.ppm', '.bmp', '.pgm', '.tif', '.tiff', '.webp'])

export interface NotebookSidesOptions extends Pick<ImageFolderOptions, 'followLinks' | 'signal'> {
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
export async function openNotebookSplit(data: string, { val, ...options }: NotebookSidesOptions): Promise<TrainVal> {
  const found = await findSplits(data)
  const chosen = found && chooseSplits(found, val)
  if (typeof val === 'string') {
    const train = shuffled(await openInOrder(data, [chosen?.train ?? data], options))
    const scored = shuffled(await openInOrder(data, [val], { ...options, classes: train.classes }))
    return describeTrainVal(data, train, scored, chosen?.notes)
  }
  const all = shuffled(await openInOrder(data, chosen ? [chosen.train, ...(chosen.val === undefined ? [] : [chosen.val])] : [data], options))
  const count = Math.floor((1 - val) * all.length)
  const numbers = Array.from(all.items.keys())
  return describeTrainVal(data, all.subset(numbers.slice(0, count)), all.subset(numbers.slice(count)), chosen?.notes ?? splitsAmongClassesNotes(data, all))
}

function shuffled(folder: ImageFolder): ImageFolder {
  return folder.subset(numpyShuffled(folder.length, NOTEBOOK_SPLIT_SEED))
}

/** By class, then by the folder within it, then by name, each compared by code point; several folders as if they were one. */
async function openInOrder(data: string, within: readonly string[], options: ImageFolderOptions): Promise<ImageFolder> {
  const folder = await ImageFolder.open(data, { ...options, within })
  const places = folder.items.map(({ path, label }, index) => {
    const classFolders = within.map((set) => join(set, folder.classes[label] ?? ''))
    const inside = classFolders.map((classFolder) => relative(classFolder, resolve(data, path))).find((inner) => !inner.startsWith(`..${sep}`)) ?? path
    const parent = dirname(inside)
    return { index, path, key: [label, parent === '.' ? '' : parent, basename(inside), path] as const }
  })
  const taken = places.filter(({ path }) => EXTENSIONS.has(extname(path).toLowerCase()))
  taken.sort(({ key: [label, ...a] }, { key: [other, ...b] }) => label - other || compareCodePoints(a[0], b[0]) || compareCodePoints(a[1], b[1]) || compareCodePoints(a[2], b[2]))
  const others = places.filter(({ path }) => !EXTENSIONS.has(extname(path).toLowerCase()))
  const skipped = others.map(({ path }) => ({ path, code: 'ERR_IMAGE_DECODE' as const, message: `the notebook's data set takes no ${ofEnding(path)}` }))
  return folder.subset(taken.map(({ index }) => index), [...folder.skipped, ...skipped])
}

function ofEnding(path: string): string {
  const ending = endingOf(path)
  return ending === '' ? 'files without an ending' : `${ending} images`
}
