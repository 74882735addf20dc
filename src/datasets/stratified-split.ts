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
  /** Equal for images of equal content. */
  readonly hash: string
}

/**
 * A stratified split into training and validation set, as the images' numbers. Stratified: each class is split alike, and a class of two or
 * more different images has at least one in each set. Decided by seed and contents, so that renaming or reordering moves no image;
 * exact duplicates are in one set, across classes too.
 */
export function splitByContent(
  items: readonly Splittable[],
  { val, seed = 1 }: SplitOptions,
): { readonly train: number[]; readonly val: number[] } {
  if (!(typeof val === 'number' && val > 0 && val < 1)) throw argumentError('a fraction between 0 and 1', 'val', val)
  SEED(seed, 'seed')
  const inVal = new Map<string, boolean>() // by content
  for (const members of byLabel(items)) {
    const counts = new Map<string, number>()
    for (const { hash } of members) counts.set(hash, (counts.get(hash) ?? 0) + 1)
    const least = counts.size > 1 ? 1 : 0
    const target = Math.min(Math.max(Math.round(val * members.length), least), members.length - 1)
    let chosen = [...counts].reduce((sum, [hash, count]) => sum + (inVal.get(hash) === true ? count : 0), 0)
    for (const hash of inDrawnOrder([...counts.keys()].filter((hash) => !inVal.has(hash)), seed)) {
      const choose = chosen < target
      inVal.set(hash, choose)
      if (choose) chosen += counts.get(hash) ?? 0
    }
  }
  const split = { train: [] as number[], val: [] as number[] }
  for (const [i, { hash }] of items.entries()) split[inVal.get(hash) === true ? 'val' : 'train'].push(i)
  return split
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
