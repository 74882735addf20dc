import { shortName } from './short-name.js'

export interface JsonLimits {
  /** Objects and arrays inside one another. */
  readonly depth: number
  /** Names and values, all together. */
  readonly values: number
  /** Refuses an object that has a key twice: `JSON.parse` keeps the last, and another reader may keep the first. @default false */
  readonly uniqueKeys?: boolean
}

/** Far above what any run or model says of itself. */
const LIMITS: JsonLimits = { depth: 64, values: 20_000_000 }

/**
 * `JSON.parse` of a text that somebody else may have written: a few megabytes of brackets would take gigabytes, and what
 * is deep enough ends whatever walks it.
 *
 * @throws SyntaxError, beyond a limit too
 */
export function parseJson(text: string, limits: JsonLimits = LIMITS): unknown {
  checkLimits(text, limits)
  return JSON.parse(text) as unknown
}

/** Looks at brackets, commas and keys alone: whether the text is JSON is for `JSON.parse` to say. */
function checkLimits(text: string, { depth, values, uniqueKeys = false }: JsonLimits): void {
  const objects: (Set<string> | undefined)[] = [] // undefined for an array
  let found = 1
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      const end = endOfText(text, at)
      const keys = objects.at(-1)
      if (uniqueKeys && keys && followedByColon(text, end)) addKey(keys, JSON.parse(text.slice(at, end)) as string)
      at = end - 1
    } else if (char === '{' || char === '[') {
      if (objects.length === depth) throw new SyntaxError(`it is more than ${depth} deep`)
      objects.push(char === '{' ? new Set() : undefined)
      found++
    } else if (char === '}' || char === ']') objects.pop()
    else if (char === ',' || char === ':') found++
    if (found > values) throw new SyntaxError(`it holds more than ${values} names and values`)
  }
}

function addKey(keys: Set<string>, key: string): void {
  if (keys.has(key)) throw new SyntaxError(`${JSON.stringify(shortName(key))} is in it twice`)
  keys.add(key)
}

/** Behind the quote that ends the text which begins here. */
function endOfText(text: string, begin: number): number {
  for (let quote = text.indexOf('"', begin + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (text[quote - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return quote + 1
  }
  return text.length
}

function followedByColon(text: string, from: number): boolean {
  let at = from
  while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++
  return text[at] === ':'
}
