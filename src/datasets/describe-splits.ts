import { basename } from 'node:path'
import { TorchgraftError } from '../errors.js'
import { plural } from '../text/plural.js'
import { type Contradiction, findContradictions, type LabelledImage, contradictionNotes } from './contradictions.js'
import { ImageFolder, sameButForCase } from './image-folder.js'
import { joinPassedOver, type PassedOver, passedOverNotes } from './passed-over.js'
import { splitNamed } from './split-names.js'

/** A data set in its parts; the items' paths are relative to the data folder. */
export interface TrainVal {
  readonly classes: readonly string[]
  readonly train: ImageFolder
  readonly val: ImageFolder
  /** Images whose content is another's too. */
  readonly duplicates: number
  /** Of those, contents that lie in both sets: where the folders put them there, or a split by position. */
  readonly leaked: number
  /** Images that have several labels. */
  readonly contradictions: readonly Contradiction[]
  /** What the folders hold besides, by name. */
  readonly passedOver: PassedOver
  /** What is odd about the folders and classes, for the user to know. */
  readonly notes: readonly string[]
}

/** `notes` is what there is to say about how the sets were found. @throws ERR_DATA_EMPTY where a split has no images, or all are one */
export function describeTrainVal(data: string, train: ImageFolder, scored: ImageFolder, notes: readonly string[] = []): TrainVal {
  const learned = new Set(train.items.map(({ hash }) => hash))
  const contents = new Set([...learned, ...scored.items.map(({ hash }) => hash)])
  const count = train.length + scored.length
  refuseCopies(data, contents.size, train, scored)
  if (train.length === 0 || scored.length === 0) {
    const copies = contents.size < count ? ` (the ${count} files hold ${plural(contents.size, 'different image')})` : ''
    const [file] = [...train.skipped, ...scored.skipped]
    const left = file ? `. Left out were files such as ${file.path}: ${file.message}` : ''
    throw new TorchgraftError('ERR_DATA_EMPTY', `${data} gives ${plural(train.length, 'training image')} and ${plural(scored.length, 'validation image')}${copies}: both sets take at least one. Add images, or name another fraction as val${left}`, { path: data })
  }
  const duplicates = count - contents.size
  const contradictions = duplicates > 0 ? findContradictions([...labelled(train), ...labelled(scored)]) : []
  const passedOver = joinPassedOver([train.passedOver, scored.passedOver])
  return {
    classes: train.classes,
    train,
    val: scored,
    duplicates,
    leaked: duplicates > 0 ? new Set(scored.items.filter(({ hash }) => learned.has(hash)).map(({ hash }) => hash)).size : 0,
    contradictions,
    passedOver,
    notes: [
      ...notes, ...emptyClassNotes(train, scored), ...caseNotes(train.classes), ...missingClassNotes(train, scored), ...(duplicates > 0 ? copyNotes(train, scored) : []),
      ...contradictionNotes(contradictions), ...passedOverNotes(passedOver),
    ],
  }
}

/** How many images there are twice, and what that does to the score. */
export function duplicateNotes({ duplicates, leaked: shared }: Pick<TrainVal, 'duplicates' | 'leaked'>): string[] {
  if (duplicates === 0) return []
  return [`Exact duplicates: ${duplicates}. ${shared === 0 ? 'Each is trained on or scored together with its copies.' : `${plural(shared, 'image')} ${shared === 1 ? 'is' : 'are'} both trained on and scored, so the score is too high.`}`]
}

/** What the folders of classes say by their names, where they are no sets: `paths` are relative to the data folder. */
export function splitsAmongClassesNotes(data: string, { classes, items }: ImageFolder): string[] {
  const inside = new Map<string, Set<string>>() // the folders in a class folder; '' where an image lies in it itself
  for (const { path, label } of items) {
    const first = path.indexOf('/')
    const second = path.indexOf('/', first + 1)
    const name = second < 0 ? '' : path.slice(first + 1, second)
    const names = inside.get(classes[label] ?? '')
    if (names) names.add(name)
    else inside.set(classes[label] ?? '', new Set([name]))
  }
  const asSides = [...inside].filter(([label, names]) => splitNamed(label) !== undefined && names.size > 1 && !names.has('')).map(([label]) => label)
  const within = new Set([...inside.values()].flatMap((names) => ([...names].every((name) => splitNamed(name) !== undefined) ? [...names] : [])))
  return [
    ...asSides.map((label) => `The folder ${label} is taken for a class, since there are others beside it that are no training, validation or test set. If it is one, name it: torchgraft train ${basename(data)}/${label}.`),
    ...(within.size > 1 ? [`The folders ${[...within].join(' and ')} within the classes are taken together and split anew: for sets of your own, lay them out as train/CLASS/IMAGE.jpg.`] : []),
  ]
}

/** Nothing can be learned from one image, under however many labels. */
function refuseCopies(data: string, contents: number, train: ImageFolder, scored: ImageFolder): void {
  const images = [...labelled(train), ...labelled(scored)]
  if (contents !== 1 || images.length === 1) return
  const [one] = findContradictions(images)
  const paths = (one ?? images.slice(0, 2)).map(({ path }) => path)
  throw new TorchgraftError('ERR_DATA_EMPTY', `All ${images.length} images in ${data} are copies of one${one ? `, under ${one.length} labels` : ''}: ${some(paths)}. Put different images there`, { path: data })
}

function labelled({ classes, items }: ImageFolder): (LabelledImage & { readonly hash: string })[] {
  return items.map(({ path, label, hash }) => ({ path, label: classes[label] ?? String(label), hash }))
}

function emptyClassNotes(train: ImageFolder, scored: ImageFolder): string[] {
  const known = new Set(train.classes)
  const empty = [...new Set([...train.empty, ...scored.empty])].filter((label) => !known.has(label))
  return empty.length === 0 ? [] : [`${plural(empty.length, 'class folder')} without images passed over: ${some(empty)}.`]
}

function caseNotes(classes: readonly string[]): string[] {
  const groups = sameButForCase(classes)
  return groups.length === 0 ? [] : [`Classes that differ in case only are taken for different ones: ${some(groups.map((group) => group.join(' and ')))}.`]
}

/** A class of one image is learned from, and so never validated; one of copies may be validated alone. */
function missingClassNotes(train: ImageFolder, scored: ImageFolder): string[] {
  const [unlearned, unscored] = [train, scored].map(({ items }) => {
    const seen = new Set(items.map(({ label }) => label))
    return train.classes.filter((_, label) => !seen.has(label))
  }) as [string[], string[]]
  return [
    ...(unlearned.length > 0 ? [`${plural(unlearned.length, 'class', 'classes')} without a training image, which cannot be learned: ${some(unlearned)}.`] : []),
    ...(unscored.length > 0 ? [`${plural(unscored.length, 'class', 'classes')} without a validation image: ${some(unscored)}.`] : []),
  ]
}

/** Of several images in a class, all one. */
function copyNotes(train: ImageFolder, scored: ImageFolder): string[] {
  const files = train.classes.map(() => 0)
  const contents = train.classes.map(() => new Set<string>())
  for (const { label, hash } of [...train.items, ...scored.items]) {
    files[label]! += 1
    contents[label]!.add(hash)
  }
  const copied = train.classes.filter((_, label) => files[label]! > 1 && contents[label]!.size === 1)
  return copied.length === 0 ? [] : [`All images of a class are copies of one in ${plural(copied.length, 'class', 'classes')}: ${some(copied)}.`]
}

export function some(names: readonly string[]): string {
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`
}
