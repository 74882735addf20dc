/**
 * The first key that an object in a JSON text has twice, if any. `JSON.parse` would keep the last and say nothing,
 * so two readers of one file could see different things. The text must already be known to parse.
 */
export function duplicateKey(json: string): string | undefined {
  const objects: (Set<string> | undefined)[] = [] // undefined for an array
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs
  for (let match = tokens.exec(json); match; match = tokens.exec(json)) {
    const [token] = match
    if (token === '{') objects.push(new Set())
    else if (token === '[') objects.push(undefined)
    else if (token === '}' || token === ']') objects.pop()
    else if (/^\s*:/.test(json.slice(tokens.lastIndex, tokens.lastIndex + 64))) {
      const key = JSON.parse(token) as string
      const keys = objects.at(-1)
      if (keys?.has(key)) return key
      keys?.add(key)
    }
  }
  return undefined
}
