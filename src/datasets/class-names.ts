import { TorchgraftError } from '../errors.js'
import { some } from '../text/some.js'

const MOST_NAMED = 5
const MOST_CLASSES = 20
const MOST_PAIRS = 3

/** "cat, dog, …": the first few of many names. */
export function firstNames(names: readonly string[], most = MOST_NAMED): string {
  return some(names, most, () => '…').join(', ')
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

/** @throws ERR_DATA_CLASSES where a folder has classes that the model does not know */
export function checkKnownClasses(folder: string, found: readonly string[], known: readonly string[]): void {
  const names = new Set(known)
  const unknown = found.filter((label) => !names.has(label))
  if (unknown.length === 0) return
  const message = `${folder} has folders of unknown classes: ${firstNames(unknown)}. The classes are ${firstNames(known, MOST_CLASSES)}`
  throw new TorchgraftError('ERR_DATA_CLASSES', `${message}${differInCase(unknown, known)}`, { path: folder })
}

function differInCase(unknown: readonly string[], known: readonly string[]): string {
  const strange = new Set(unknown)
  const pairs = sameButForCase([...known, ...unknown]).filter((group) => group.some((name) => strange.has(name)))
  if (pairs.length === 0) return ''
  return `. ${pairs.slice(0, MOST_PAIRS).map((group) => group.join(' and ')).join('; ')} differ in case only: rename the folders`
}
