/** Python's order of strings; JavaScript's own compares UTF-16 units, and differs beyond U+FFFF. */
export function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'))
}
