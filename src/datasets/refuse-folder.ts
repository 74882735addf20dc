import { basename, dirname, join, resolve } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { plural } from '../text/plural.js'
import { findSplits, scanFolder, nextFolderDown } from './find-splits.js'
import type { SkippedFile } from './skipped-file.js'
import { listClasses } from './list-folder.js'
import { type PassedOver, passedOverNotes } from './passed-over.js'
import { SPLITS } from './split-names.js'

/**
 * Folders for splits are no classes: whoever means them so names the folder that they are in as `within`.
 *
 * @throws ERR_DATA_CLASSES
 */
export async function refuseSplits(root: string): Promise<void> {
  const found = await findSplits(root)
  if (!found) return
  const names = SPLITS.flatMap((split) => found.folders[split]).map((path) => basename(path))
  const example = join(root, names[0] ?? '')
  const message = `${root} has folders for sets, ${names.join(' and ')}, and not for classes: open one of them with within, such as '${example}'`
  throw new TorchgraftError('ERR_DATA_CLASSES', message, { path: root })
}

/** The error for a data folder without a class folder that holds images. */
export async function nothingFound(
  folders: readonly string[],
  passedOver: PassedOver,
  skipped: readonly SkippedFile[],
): Promise<TorchgraftError> {
  const folder = folders.join(' and ')
  const layout = `${basename(resolve(folders[0] ?? ''))}/CLASS/IMAGE.jpg`
  const { unclassed } = passedOver
  if (unclassed > 0) {
    const lie = unclassed === 1 ? '1 image lies' : `${unclassed} images lie`
    const orAbove = await orFolderAbove(folders[0] ?? '')
    const message = `${lie} in ${folder} itself: put them in a folder for each class, as ${layout}${orAbove}`
    return new TorchgraftError('ERR_DATA_EMPTY', message, { path: folder })
  }
  const [first] = skipped
  const unread = first ? [`${plural(skipped.length, 'file')} cannot be taken, such as ${first.path}: ${first.message}.`] : []
  const notes = [...unread, ...passedOverNotes(passedOver)]
  const found = notes.length > 0 ? `. ${notes.join(' ').replace(/\.$/, '')}` : ''
  const message = `There are no images in ${folder}. Lay them out as ${layout}, a folder for each class${found}`
  return new TorchgraftError('ERR_DATA_EMPTY', message, { path: folder })
}

/** The error for a data folder with one class alone: often the classes lie a folder further down. */
export async function oneClass(folders: readonly string[], label: string): Promise<TorchgraftError> {
  const folder = folders.join(' and ')
  const down = folders.length === 1 ? await nextFolderDown(folder) : undefined
  const meant = down === undefined ? '' : `. Did you mean ${down}?`
  const advice = 'to tell classes apart it takes two or more, each in a folder of its own'
  return new TorchgraftError('ERR_DATA_CLASSES', `${folder} has images of one class only, ${label}: ${advice}${meant}`, { path: folder })
}

const MOST_SCANNED = 20

/** A folder of images among others like it is one class of theirs. */
async function orFolderAbove(folder: string): Promise<string> {
  const above = dirname(resolve(folder))
  if (above === resolve(folder) || (await findSplits(above))) return ''
  const { classes } = await listClasses(above).catch(() => ({ classes: [] }))
  for (const { path } of classes.slice(0, MOST_SCANNED)) {
    if (resolve(path) === resolve(folder) || (await scanFolder(path)).images === 0) continue
    return `. If it is one class of several, name the folder above it: ${dirname(folder) === '.' ? above : dirname(folder)}`
  }
  return ''
}
