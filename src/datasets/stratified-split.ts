import { hash as hashOnce } from 'node:crypto'
import { argumentError } from '../errors.js'
import { integerField } from '../options/checks.js'

export interface SplitOptions {
  /** Share of each class that goes to the validation set: between 0 and 1. */
  readonly val: number
  /** @default 1 */
  readonly seed?: number
}

const SEED = integerField({ min: 0 })

interface Splittable {
  readonly label: number
  /** Of the image's content. */
  readonly hash: string
}

/**
 * Which images go to which set, by number. Class by class, so that both sets hold all of them; decided by the
 * images' contents, so that renaming or reordering moves none; exact duplicates in one set, across classes too.
 * A class of two or more different images has at least one in each set.
 */
export function splitByContent(items: readonly Splittable[], { val, seed = 1 }: SplitOptions): { readonly train: number[]; readonly val: number[] } {
  if (!(typeof val === 'number' && val > 0 && val < 1)) throw argumentError('a fraction between 0 and 1', 'val', val)
  SEED(seed, 'seed')
  const toVal = new Map<string, boolean>() // by content
  for (const members of byLabel(items)) {
    const counts = new Map<string, number>()
    for (const { hash } of members) counts.set(hash, (counts.get(hash) ?? 0) + 1)
    const least = counts.size > 1 ? 1 : 0
    const target = Math.min(Math.max(Math.round(val * members.length), least), members.length - 1)
    let taken = [...counts].reduce((sum, [hash, count]) => sum + (toVal.get(hash) === true ? count : 0), 0)
    for (const hash of inDrawnOrder([...counts.keys()].filter((hash) => !toVal.has(hash)), seed)) {
      const take = taken < target
      toVal.set(hash, take)
      if (take) taken += counts.get(hash) ?? 0
    }
  }
  const train: number[] = []
  const chosen: number[] = []
  for (const [i, { hash }] of items.entries()) (toVal.get(hash) === true ? chosen : train).push(i)
  return { train, val: chosen }
}

function byLabel(items: readonly Splittable[]): Splittable[][] {
  const groups = new Map<number, Splittable[]>()
  for (const item of items) {
    const group = groups.get(item.label)
    if (group) group.push(item)
    else groups.set(item.label, [item])
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group)
}

/** An order that the seed and the contents decide. */
function inDrawnOrder(hashes: readonly string[], seed: number): string[] {
  const drawn = hashes.map((hash) => ({ hash, draw: hashOnce('sha256', `${seed}:${hash}`, 'hex') }))
  return drawn.sort((a, b) => (a.draw < b.draw ? -1 : 1)).map(({ hash }) => hash)
}
