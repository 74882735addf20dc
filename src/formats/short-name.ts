import { some } from '../text/some.js'

const MAX_LENGTH = 100

/** A name that a file holds, for a message: those of hostile files may be megabytes long. */
export function shortName(name: string): string {
  return name.length > MAX_LENGTH ? `${name.slice(0, MAX_LENGTH - 1)}…` : name
}

/** The first few of some names, and how many more there are. */
export function shortList(names: readonly string[], most = 4): string {
  return some(names.map(shortName), most).join(', ')
}
