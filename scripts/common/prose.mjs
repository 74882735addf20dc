/** A number and its unit stay together: "91.4 %". */
const WORD = /( *)(\S*\d (?:%|px|[kMG]B|min|ms|s|h)(?=[\s.,;:)]|$)\S*|\S+)/g
/** Of a terminal that does not tell. */
const COLUMNS = 80
/** Narrower than this, nothing fits anyway. */
const FEWEST = 20

/**
 * A text for a stream: on a terminal its lines break between words, at the terminal's width; elsewhere they are as long as they are,
 * for programs to read.
 *
 * @param {string} text
 * @param {{ readonly isTTY?: boolean | undefined, readonly columns?: number | undefined }} stream
 * @param {import('./prose.mjs').ProseOptions} [options]
 */
export function prose(text, { isTTY, columns }, options = {}) {
  return isTTY === true ? wrap(text, Math.max(FEWEST, columns || COLUMNS), options) : text
}

/**
 * Breaks lines between words. A word that is longer than a line has one of its own.
 *
 * @param {string} text
 * @param {number} width
 * @param {import('./prose.mjs').ProseOptions} [options] hang: columns that a line's later parts are indented by, besides its own indent
 */
export function wrap(text, width, { hang = 0, columnsOf = (part) => [...part].length } = {}) {
  return text.split('\n').map((line) => (columnsOf(line) <= width ? line : wrapLine(line, width, hang, columnsOf))).join('\n')
}

/** @param {string} line @param {number} width @param {number} hang @param {(text: string) => number} columnsOf */
function wrapLine(line, width, hang, columnsOf) {
  const own = /^ */.exec(line)?.[0].length ?? 0
  const indent = ' '.repeat(Math.min(own + hang, width >> 1))
  /** @type {string[]} */
  const lines = []
  let current = ''
  for (const [, gap = '', word = ''] of line.matchAll(WORD)) {
    if (current.trim() === '' || columnsOf(current + gap + word) <= width) current += gap + word
    else {
      lines.push(current)
      current = indent + word
    }
  }
  return [...lines, current].join('\n')
}
