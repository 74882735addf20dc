import { basename } from 'node:path'
import { plural } from '../text/plural.js'
import { firstNames, sameButForCase } from './class-names.js'
import type { ImageFolder } from './image-folder.js'
import { splitNamed } from './split-names.js'

/** The number of duplicate images, and what they do to the score. `leaked`: of those, the contents in both sets. */
export function duplicateNotes({ duplicates, leaked }: { readonly duplicates: number; readonly leaked: number }): string[] {
  if (duplicates === 0) return []
  const effect = leaked === 0
    ? 'Each is trained on or scored together with its copies.'
    : `${plural(leaked, 'image')} ${leaked === 1 ? 'is' : 'are'} both trained on and scored, so the score is too high.`
  return [`Exact duplicates: ${duplicates}. ${effect}`]
}

/**
 * Of a data folder that is split anew: folders with names of splits that were taken for classes (`train/` beside `bus/`), and folders
 * with such names within each class (`bus/train/`). The items' paths are relative to the data folder.
 */
export function splitsAmongClassesNotes(data: string, folder: ImageFolder): string[] {
  const inside = foldersInClasses(folder)
  const labels = [...inside].filter(([label, names]) => splitNamed(label) !== undefined && names.size > 1 && !names.has(''))
  const allSplits = [...inside.values()].filter((names) => [...names].every((name) => splitNamed(name) !== undefined))
  const within = new Set(allSplits.flatMap((names) => [...names]))
  const notes = labels.map(([label]) => {
    const command = `torchgraft train ${basename(data)}/${label}`
    return `The folder ${label} is taken for a class, since there are others beside it that are no training, validation or test set. If it is one, name it: ${command}.`
  })
  if (within.size < 2) return notes
  const names = [...within].join(' and ')
  return [...notes, `The folders ${names} within the classes are taken together and split anew: for sets of your own, lay them out as train/CLASS/IMAGE.jpg.`]
}

/** By class, the names of the folders in its folder that hold images; '' stands for the class folder itself. */
function foldersInClasses({ classes, items }: ImageFolder): ReadonlyMap<string, ReadonlySet<string>> {
  const inside = new Map<string, Set<string>>()
  for (const { path, label } of items) {
    const first = path.indexOf('/')
    const second = path.indexOf('/', first + 1)
    const name = second < 0 ? '' : path.slice(first + 1, second)
    const names = inside.get(classes[label] ?? '')
    if (names) names.add(name)
    else inside.set(classes[label] ?? '', new Set([name]))
  }
  return inside
}

export function emptyClassNotes(train: ImageFolder, val: ImageFolder): string[] {
  const known = new Set(train.classes)
  const empty = [...new Set([...train.empty, ...val.empty])].filter((label) => !known.has(label))
  return empty.length === 0 ? [] : [`${plural(empty.length, 'class folder')} without images passed over: ${firstNames(empty)}.`]
}

export function duplicateCaseNotes(classes: readonly string[]): string[] {
  const groups = sameButForCase(classes).map((group) => group.join(' and '))
  return groups.length === 0 ? [] : [`Classes that differ in case only are taken for different ones: ${firstNames(groups)}.`]
}

/** A class of one image is learned from, and so never validated; one of copies may be validated alone. */
export function missingClassNotes(train: ImageFolder, val: ImageFolder): string[] {
  const untrained = classesWithoutImages(train, train.classes)
  const unscored = classesWithoutImages(val, train.classes)
  const count = (labels: readonly string[]): string => plural(labels.length, 'class', 'classes')
  const notes: string[] = []
  if (untrained.length > 0) notes.push(`${count(untrained)} without a training image, which cannot be learned: ${firstNames(untrained)}.`)
  if (unscored.length > 0) notes.push(`${count(unscored)} without a validation image: ${firstNames(unscored)}.`)
  return notes
}

function classesWithoutImages({ items }: ImageFolder, classes: readonly string[]): readonly string[] {
  const seen = new Set(items.map(({ label }) => label))
  return classes.filter((_, label) => !seen.has(label))
}

/** Classes whose images, two or more, are all copies of one. */
export function copyNotes(train: ImageFolder, val: ImageFolder): string[] {
  const files = train.classes.map(() => 0)
  const contents = train.classes.map(() => new Set<string>())
  for (const { label, hash } of [...train.items, ...val.items]) {
    files[label]! += 1
    contents[label]!.add(hash)
  }
  const copied = train.classes.filter((_, label) => files[label]! > 1 && contents[label]!.size === 1)
  if (copied.length === 0) return []
  return [`All images of a class are copies of one in ${plural(copied.length, 'class', 'classes')}: ${firstNames(copied)}.`]
}
