import { engineCheck } from '../helpers/processes/engine-check.js'

interface Found {
  readonly parts: readonly {
    readonly begin: number
    readonly end: number
    readonly number: number
    readonly inParallel: boolean
    readonly within: number
  }[]
  readonly threads: number
  readonly ofRows: number
  readonly inParallelAfter: boolean
  readonly error: string
}

/** As at::parallel_for splits: by the numbers alone. */
function split(threads: number, count: number, grain: number): [begin: number, end: number][] {
  const parts = count <= grain ? 1 : Math.min(threads, Math.ceil(count / grain))
  const size = Math.ceil(count / parts)
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => [i * size, Math.min(count, (i + 1) * size)])
}

describe('rows are shared out among the threads of libtorch, whichever compiler built the addon', () => {
  test.each([
    [1, 10, 1], [2, 10, 1], [3, 10, 1], [5, 10, 1], [4, 2, 1], [3, 9, 4], [3, 10, 6], [3, 10, 10], [2, 1, 1], [7, 14_336, 16],
  ])('%i threads, %i rows, at least %i together', async (threads, count, grain) => {
    const expected = split(threads, count, grain)
    const found = (await engineCheck('threads', String(threads), String(count), String(grain))) as Found
    expect(found.parts.map(({ begin, end }) => [begin, end])).toEqual(expected)
    expect(found.threads).toBe(expected.length)
    expect(found.ofRows).toBe(threads)
    // Each part is told its thread's number, and what it shares out in turn stays on its thread.
    const within = expected.length > 1 ? 1 : threads
    expect(found.parts.map((part) => [part.number, part.within])).toEqual(expected.map((_, i) => [i, within]))
    expect(found.parts.map(({ inParallel }) => inParallel)).toEqual(expected.map(() => expected.length > 1))
    expect(found).toMatchObject({ inParallelAfter: false, error: 'the last rows' })
  })
})
