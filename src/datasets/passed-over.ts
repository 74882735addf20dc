import { plural } from '../text/plural.js'
import { some } from '../text/some.js'

/** Files and folders that are passed over by their names, counted. */
export interface PassedOver {
  /** Files that are no images by their endings, '' of none; the most first. */
  readonly endings: readonly { readonly ending: string; readonly count: number }[]
  /** What systems, network storage and editors leave behind, and what is hidden; a folder counts as one. */
  readonly leftovers: readonly { readonly name: string; readonly count: number }[]
  /** Images that lie beside the class folders, and so are of no class. */
  readonly unclassed: number
}

export const NOTHING_PASSED_OVER: PassedOver = { endings: [], leftovers: [], unclassed: 0 }

/** Counts while a folder is listed. */
export class PassedOverCounts {
  readonly #endings = new Map<string, number>()
  readonly #leftovers = new Map<string, number>()
  #unclassed = 0

  addEnding(ending: string, count = 1): void {
    this.#endings.set(ending, (this.#endings.get(ending) ?? 0) + count)
  }

  addLeftover(name: string, count = 1): void {
    this.#leftovers.set(name, (this.#leftovers.get(name) ?? 0) + count)
  }

  addUnclassed(count = 1): void {
    this.#unclassed += count
  }

  get counts(): PassedOver {
    return {
      endings: mostFirst(this.#endings).map(([ending, count]) => ({ ending, count })),
      leftovers: mostFirst(this.#leftovers).map(([name, count]) => ({ name, count })),
      unclassed: this.#unclassed,
    }
  }
}

/** The sum of several folders' counts; an object that is there twice counts once. */
export function joinPassedOver(several: readonly PassedOver[]): PassedOver {
  const counts = new PassedOverCounts()
  for (const { endings, leftovers, unclassed } of new Set(several)) {
    for (const { ending, count } of endings) counts.addEnding(ending, count)
    for (const { name, count } of leftovers) counts.addLeftover(name, count)
    counts.addUnclassed(unclassed)
  }
  return counts.counts
}

/** A sentence for each kind, none for nothing. */
export function passedOverNotes({ endings, leftovers, unclassed }: PassedOver): string[] {
  const files = endings.reduce((sum, { count }) => sum + count, 0)
  const byEnding = endings.map(({ ending, count }) => `${count} ${ending === '' ? 'without an ending' : ending}`)
  const byName = leftovers.map(({ name, count }) => `${count} ${name === '.*' ? 'hidden' : name}`)
  return [
    ...(files > 0 ? [`${plural(files, 'file')} passed over by ${files === 1 ? 'its name' : 'their names'}: ${list(byEnding)}.`] : []),
    ...(leftovers.length > 0 ? [`Leftovers of systems and editors passed over: ${list(byName)}.`] : []),
    ...(unclassed > 0 ? [`${plural(unclassed, 'image')} passed over, in no class folder: move ${unclassed === 1 ? 'it' : 'them'} into one.`] : []),
  ]
}

const MOST_KINDS = 8

function list(parts: readonly string[]): string {
  return some(parts, MOST_KINDS, (rest) => `and ${plural(rest, 'more kind')}`).join(', ')
}

function mostFirst(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))
}
