import { createReadStream } from 'node:fs'

/** Far longer than any event. */
const MAX_LENGTH = 1 << 20

/** The lines of a text file, one at a time; one that is longer than any should be comes as an empty one. */
export async function* readLines(path: string): AsyncGenerator<string, void, undefined> {
  let rest = ''
  let tooLong = false
  for await (const chunk of createReadStream(path, { encoding: 'utf8' })) {
    const [first = '', ...others] = (chunk as string).split('\n')
    rest += first
    for (const next of others) {
      yield tooLong ? '' : rest.replace(/\r$/, '')
      tooLong = false
      rest = next
    }
    if (rest.length <= MAX_LENGTH) continue
    rest = ''
    tooLong = true
  }
  if (rest !== '' || tooLong) yield tooLong ? '' : rest
}
