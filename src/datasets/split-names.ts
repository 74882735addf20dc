export const SPLITS = ['train', 'val', 'test'] as const
export type Split = (typeof SPLITS)[number]

const WORDS: Readonly<Record<Split, readonly string[]>> = {
  train: ['train', 'training', 'trn'],
  val: ['val', 'valid', 'validation', 'validate', 'validating', 'dev', 'eval', 'evaluation'],
  test: ['test', 'testing', 'tst', 'holdout'],
}
const SPLIT_OF: ReadonlyMap<string, Split> = new Map(SPLITS.flatMap((split) => WORDS[split].map((word) => [word, split] as const)))
/** "Training Set", "test_images". */
const OF_WHAT = /(?:sets?|data|datasets?|split|images?|imgs?|pictures?|photos?)$/
/** The longer words first, so that none is read as its own beginning. */
const WITHIN = new RegExp(`(?<![a-z])(${[...SPLIT_OF.keys()].sort((a, b) => b.length - a.length).join('|')})(?![a-z])`, 'g')

/** The split that a folder's name is a word for, in any case. */
export function splitNamed(name: string): Split | undefined {
  const letters = plain(name).replace(/[\s._-]+/g, '')
  return SPLIT_OF.get(letters) ?? SPLIT_OF.get(letters.replace(OF_WHAT, ''))
}

/**
 * Folders whose names are one name but for words for sets: `seg_train` and `seg_test`, `train2017` and `val2017`, `train` and
 * `test1`. None where there is no training set among them, or one split twice.
 */
export function splitsWithin(names: readonly string[]): ReadonlyMap<string, Split> {
  const found = names.flatMap((name) => {
    const words = [...plain(name).matchAll(WITHIN)]
    const split = words.length === 1 ? SPLIT_OF.get(words[0]?.[1] ?? '') : undefined
    return split ? [{ name, split, rest: plain(name).replace(WITHIN, '').replace(/[\s._\d-]+/g, '') }] : []
  })
  const train = found.filter(({ split }) => split === 'train')
  const alike = found.filter(({ rest }) => rest === train[0]?.rest)
  const once = new Set(alike.map(({ split }) => split)).size === alike.length
  return new Map(train.length === 1 && once && alike.length > 1 ? alike.map(({ name, split }) => [name, split]) : [])
}

function plain(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}
