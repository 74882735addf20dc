import { fileURLToPath } from 'node:url'
import { argumentError } from '../errors.js'
import type { Check } from './checks.js'

/** A path, or a `file:` URL such as `new URL('photos', import.meta.url)`. */
export type LocalPath = string | URL

/** An options object whose URLs are paths. */
export type Local<Options> = { readonly [Name in keyof Options]: Exclude<Options[Name], URL> }

/** A path or a `file:` URL. Addresses of other kinds are refused: nothing is fetched. */
export const aPath = (what: string): Check => (value, name) => {
  if (isUrl(value) || (typeof value === 'string' && isAddress(value))) {
    if (!isFileUrl(String(value))) throw argumentError(`${what} on this machine, since nothing is fetched,`, name, value)
  } else if (typeof value !== 'string' || value === '') throw argumentError(what, name, value)
  if (pathOrNothing(value)?.includes('\0') !== false) throw argumentError(`${what} without a null character`, name, value)
}

/** The path that a checked value stands for. */
export function toPath(value: LocalPath): string {
  return typeof value === 'string' && !isFileUrl(value) ? value : fileURLToPath(value)
}

/** A checked options object, whose URLs become paths. */
export function local<Options extends object>(options: Options): Local<Options> {
  const pathOf = (value: unknown): unknown => (isUrl(value) || typeof value === 'string' ? toPath(value) : value)
  return Object.fromEntries(Object.entries(options).map(([name, value]: [string, unknown]) => [name, pathOf(value)])) as Local<Options>
}

/** By its shape: under test frameworks there may be more than one class of that name. */
export function isUrl(value: unknown): value is URL {
  return Object.prototype.toString.call(value) === '[object URL]' && typeof (value as URL).href === 'string'
}

/** Whether a text is an address such as https://… or s3://…, which no path looks like. */
export function isAddress(text: string): boolean {
  return /^(?:[a-z][a-z\d+.-]+:\/\/|data:[^/]*[/;,])/i.test(text)
}

function isFileUrl(text: string): boolean {
  return /^file:\/\//i.test(text)
}

/** A URL of another machine, or with a slash that is escaped, has no path. */
function pathOrNothing(value: LocalPath): string | undefined {
  try {
    return toPath(value)
  } catch {
    return undefined
  }
}
