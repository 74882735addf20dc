/**
 * Whether an answer holds what was asked for: the whole file, or the rest of it from a byte on. A server, or something
 * between, may send another part than that, which must not be taken for it.
 *
 * @param {number} status of HTTP
 * @param {string | null | undefined} contentRange the answer's
 * @param {{ readonly from?: number, readonly total?: number }} asked `from` where a range was asked for, `total` where the size is known
 * @returns {{ readonly start: number, readonly total?: number } | { readonly problem: string }} where what comes begins
 */
export function answeredRange(status, contentRange, { from = 0, total } = {}) {
  if (status === 200) return { start: 0, ...(total !== undefined && { total }) }
  if (status !== 206) return { problem: `the server answered ${status}` }
  const told = `the server sent another part than was asked for (${contentRange ?? 'without saying which'}, not bytes ${from}-)`
  const [, start, end, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(contentRange ?? '') ?? []
  if (start === undefined || Number(start) !== from || from === 0) return { problem: told }
  if (Number(end) < from || (size !== '*' && Number(end) >= Number(size))) return { problem: told }
  if (size === '*') return { start: from, ...(total !== undefined && { total }) }
  return total !== undefined && Number(size) !== total ? { problem: told } : { start: from, total: Number(size) }
}
