import { TorchgraftError } from '../errors.js'
import { plural } from '../text/plural.js'
import { firstNames } from './class-names.js'
import { type Contradiction, findContradictions, type LabelledImage, contradictionNotes } from './contradictions.js'
import type { ImageFolder } from './image-folder.js'
import { joinPassedOver, type PassedOver, passedOverNotes } from './passed-over.js'
import { copyNotes, duplicateCaseNotes, emptyClassNotes, missingClassNotes } from './split-notes.js'

/** A data set in two sets, for training and validation; the items' paths are relative to the data folder. */
export interface TrainVal {
  readonly classes: readonly string[]
  readonly train: ImageFolder
  readonly val: ImageFolder
  /** Images whose content is another's too. */
  readonly duplicates: number
  /** Of those, contents that lie in both sets, so that the score is too high: where the folders put them there, or a split by position. */
  readonly leaked: number
  /** Images that have several labels. */
  readonly contradictions: readonly Contradiction[]
  /** What the folders hold besides, by name. */
  readonly passedOver: PassedOver
  /** What is odd about the folders and classes, for the user to know. */
  readonly notes: readonly string[]
}

/**
 * What there is to know of two folders, as the sets of one data set.
 *
 * @param notes how the sets were found, for the user to know: they come first
 * @throws ERR_DATA_EMPTY where a split has no images, or all are one
 */
export function describeTrainVal(data: string, train: ImageFolder, val: ImageFolder, notes: readonly string[] = []): TrainVal {
  const trained = new Set(train.items.map(({ hash }) => hash))
  const contents = new Set([...trained, ...val.items.map(({ hash }) => hash)])
  const count = train.length + val.length
  refuseCopies(data, contents.size, train, val)
  if (train.length === 0 || val.length === 0) throw emptySplit(data, contents.size, train, val)
  const duplicates = count - contents.size
  const leaked = duplicates > 0 ? new Set(val.items.filter(({ hash }) => trained.has(hash)).map(({ hash }) => hash)).size : 0
  const contradictions = duplicates > 0 ? findContradictions([...labelled(train), ...labelled(val)]) : []
  const passedOver = joinPassedOver([train.passedOver, val.passedOver])
  const all = [
    ...notes,
    ...emptyClassNotes(train, val),
    ...duplicateCaseNotes(train.classes),
    ...missingClassNotes(train, val),
    ...(duplicates > 0 ? copyNotes(train, val) : []),
    ...contradictionNotes(contradictions),
    ...passedOverNotes(passedOver),
  ]
  return { classes: train.classes, train, val, duplicates, leaked, contradictions, passedOver, notes: all }
}

function emptySplit(data: string, contents: number, train: ImageFolder, val: ImageFolder): TorchgraftError {
  const count = train.length + val.length
  const copies = contents < count ? ` (the ${count} files hold ${plural(contents, 'different image')})` : ''
  const [file] = [...train.skipped, ...val.skipped]
  const left = file ? `. Left out were files such as ${file.path}: ${file.message}` : ''
  const counts = `${plural(train.length, 'training image')} and ${plural(val.length, 'validation image')}`
  const advice = 'both sets take at least one. Add images, or name another fraction as val'
  return new TorchgraftError('ERR_DATA_EMPTY', `${data} gives ${counts}${copies}: ${advice}${left}`, { path: data })
}

/** Nothing can be learned from one image, under however many labels. */
function refuseCopies(data: string, contents: number, train: ImageFolder, val: ImageFolder): void {
  const images = [...labelled(train), ...labelled(val)]
  if (contents !== 1 || images.length === 1) return
  const [one] = findContradictions(images)
  const paths = (one ?? images.slice(0, 2)).map(({ path }) => path)
  const labels = one ? `, under ${one.length} labels` : ''
  const message = `All ${images.length} images in ${data} are copies of one${labels}: ${firstNames(paths)}. Put different images there`
  throw new TorchgraftError('ERR_DATA_EMPTY', message, { path: data })
}

function labelled({ classes, items }: ImageFolder): (LabelledImage & { readonly hash: string })[] {
  return items.map(({ path, label, hash }) => ({ path, label: classes[label] ?? String(label), hash }))
}
