/**
 * The first few of many texts, and "and 7 more" for the rest: for `join`, or as lines.
 *
 * @param more what stands for the rest
 */
export function some(texts: readonly string[], most: number, more: (rest: number) => string = (rest) => `and ${rest} more`): string[] {
  return texts.length > most ? [...texts.slice(0, most), more(texts.length - most)] : [...texts]
}
