export const SIDES = ['train', 'val', 'test'] as const
export type Side = (typeof SIDES)[number]

const WORDS: Readonly<Record<Side, readonly string[]>> = {
  train: ['train', 'training', 'trn'],
  val: ['val', 'valid', 'validation', 'validate', 'validating', 'dev', 'eval', 'evaluation'],
  test: ['test', 'testing', 'tst', 'holdout'],
}
const SIDE_OF: ReadonlyMap<string, Side> = new Map(SIDES.flatMap((side) => WORDS[side].map((word) => [word, side] as const)))
/** "Training Set", "test_images". */
const OF_WHAT = /(?:sets?|data|datasets?|split|images?|imgs?|pictures?|photos?)$/
/** The longer words first, so that none is read as its own beginning. */
const WITHIN = new RegExp(`(?<![a-z])(${[...SIDE_OF.keys()].sort((a, b) => b.length - a.length).join('|')})(?![a-z])`, 'g')

/** The side that a folder's name is a word for, in any case. */
export function sideOf(name: string): Side | undefined {
  const letters = plain(name).replace(/[\s._-]+/g, '')
  return SIDE_OF.get(letters) ?? SIDE_OF.get(letters.replace(OF_WHAT, ''))
}

/**
 * Folders whose names are one name but for words for sides: `seg_train` and `seg_test`, `train2017` and `val2017`, `train` and
 * `test1`. None where there is no training side among them, or one side twice.
 */
export function sidesWithin(names: readonly string[]): ReadonlyMap<string, Side> {
  const found = names.flatMap((name) => {
    const words = [...plain(name).matchAll(WITHIN)]
    const side = words.length === 1 ? SIDE_OF.get(words[0]?.[1] ?? '') : undefined
    return side ? [{ name, side, rest: plain(name).replace(WITHIN, '').replace(/[\s._\d-]+/g, '') }] : []
  })
  const train = found.filter(({ side }) => side === 'train')
  const alike = found.filter(({ rest }) => rest === train[0]?.rest)
  const once = new Set(alike.map(({ side }) => side)).size === alike.length
  return new Map(train.length === 1 && once && alike.length > 1 ? alike.map(({ name, side }) => [name, side]) : [])
}

function plain(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}
