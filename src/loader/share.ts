/** A rank's part of so many things, from `begin` to before `end`: contiguous, in the order of the ranks, as even as can be. */
export function shareOf(count: number, rank: number, worldSize: number): { readonly begin: number; readonly end: number } {
  const [each, more] = [Math.floor(count / worldSize), count % worldSize]
  const begin = rank * each + Math.min(rank, more)
  return { begin, end: begin + each + (rank < more ? 1 : 0) }
}
