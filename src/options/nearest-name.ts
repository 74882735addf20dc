/** The name that was probably meant: few letters off, for its length; undefined where none is near. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined
  let fewest = Infinity
  for (const candidate of names) {
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase())
    if (edits < fewest && edits <= Math.max(1, Math.floor(candidate.length * 0.4))) [best, fewest] = [candidate, edits]
  }
  return best
}

/** Letters to insert, delete, replace, or swap with their neighbour (Damerau 1964, optimal string alignment). */
function editsBetween(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : Infinity
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swapped))
    }
    ;[before, above] = [above, row]
  }
  return above[b.length]!
}
