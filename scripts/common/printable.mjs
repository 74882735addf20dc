/**
 * What terminals act on instead of showing it: control characters, line separators, marks that turn the direction of writing; and
 * halves of characters, which are no text.
 */
const ACTED_ON = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu
const ACTED_ON_IN_LINES = /(?!\n)[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** A text as a terminal may show it, on one line: of a file, a name or the network, which may hold anything. @param {string} text */
export function printable(text) {
  return text.replace(ACTED_ON, escape)
}

/**
 * The same with its line breaks, for what is made of lines. JSON stays the same JSON: escapes are written as it writes them.
 *
 * @param {string} text
 */
export function printableLines(text) {
  return text.replace(ACTED_ON_IN_LINES, escape)
}

/** @param {string} char */
function escape(char) {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
