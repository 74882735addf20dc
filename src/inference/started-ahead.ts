/**
 * What `start` makes of each item, in their order: while one result is waited for, `count` more are under way. An error is thrown
 * when its turn comes, or never, where one before it was thrown.
 */
export async function* startedAhead<T, R>(
  items: AsyncIterable<T>, count: number, start: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const results: Promise<R>[] = []
  for await (const item of items) {
    const result = start(item)
    result.catch(() => {})
    if (results.push(result) > count) yield await (results.shift() as Promise<R>)
  }
  for (const result of results) yield await result
}
