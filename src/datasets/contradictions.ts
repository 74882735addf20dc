import { some } from '../text/some.js'

/** One image under several labels: the first file of each label. */
export type Contradiction = readonly LabelledImage[]

export interface LabelledImage {
  readonly path: string
  readonly label: string
}

/** Images of equal content that have different labels, in the order of their first files. */
export function findContradictions(images: Iterable<LabelledImage & { readonly hash: string }>): readonly Contradiction[] {
  const labels = new Map<string, Map<string, string>>()
  for (const { path, label, hash } of images) {
    const paths = labels.get(hash)
    if (!paths) labels.set(hash, new Map([[label, path]]))
    else if (!paths.has(label)) paths.set(label, path)
  }
  return [...labels.values()].filter(({ size }) => size > 1).map((paths) => [...paths].map(([label, path]) => ({ path, label })))
}

const MOST_NAMED = 5

export function contradictionNotes(found: readonly Contradiction[]): string[] {
  if (found.length === 0) return []
  const pairs = found.map((images) => images.map(({ path }) => path).join(' and '))
  return [`The same image under different labels: ${some(pairs, MOST_NAMED).join('; ')}. Keep the one that is right.`]
}
