/** From here on sorting takes less than inserting. */
const MANY = 64

/** The indices of the `count` largest values, the largest first; of equal ones the first. */
export function largestIndices(values: ArrayLike<number>, count: number): number[] {
  const at = (index: number | undefined): number => values[index as number] as number
  if (count > MANY) {
    const indices: number[] = []
    for (let i = 0; i < values.length; i++) indices.push(i)
    return indices.sort((a, b) => at(b) - at(a)).slice(0, count)
  }
  const found: number[] = []
  for (let i = 0; i < values.length; i++) {
    const isFull = found.length === count
    if (isFull && !(at(i) > at(found[count - 1]))) continue
    let place = isFull ? count - 1 : found.length
    for (; place > 0 && at(found[place - 1]) < at(i); place--) found[place] = found[place - 1] as number
    found[place] = i
  }
  return found
}
