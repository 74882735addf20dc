const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
/** Characters that take two columns of a terminal, and about two letters in print. */
const WIDE = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|\ufe0f|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u
const INVISIBLE = /^[\p{M}\p{Cf}]+$/u

/** Columns that a text takes where letters are equally wide. */
export function columnsOf(text: string): number {
  return pieces(text).reduce((sum, { columns }) => sum + columns, 0)
}

/** A text of at most so many columns: where it is longer, its beginning, or its end, and … for the rest. */
export function cut(text: string, most: number, keep: 'beginning' | 'end' = 'beginning'): string {
  if (columnsOf(text) <= most) return text
  const all = keep === 'beginning' ? pieces(text) : pieces(text).reverse()
  let left = most - 1
  const kept = all.slice(0, all.findIndex(({ columns }) => (left -= columns) < 0)).map(({ piece }) => piece)
  return keep === 'beginning' ? `${kept.join('')}…` : `…${kept.reverse().join('')}`
}

/** `padEnd` by columns. */
export function padColumns(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)))
}

/** A text's graphemes: what is seen as one letter each. */
function pieces(text: string): { readonly piece: string; readonly columns: number }[] {
  return Array.from(GRAPHEMES.segment(text), ({ segment: piece }) => ({ piece, columns: widthOf(piece) }))
}

function widthOf(piece: string): 0 | 1 | 2 {
  if (INVISIBLE.test(piece)) return 0
  return WIDE.test(piece) ? 2 : 1
}
