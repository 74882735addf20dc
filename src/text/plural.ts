/** "1 file", "2 files": every number of things that a message tells. */
export function plural(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`
}
