import { printableLines } from './format.js'

/** What text is written to: a process's stdout or stderr, or a test's. */
export interface Terminal {
  write(text: string): unknown
  /** Whether people watch it: a line may then be written over. */
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Goes to the line's beginning and empties it, for a line that is written anew. Always at the beginning of what is written. */
export const CLEAR_LINE = '\r\x1b[2K'

/**
 * A terminal that nothing from a file, a name or the network can act on: whatever is written through it has no control
 * character but line breaks and, where it is one that people watch, a `CLEAR_LINE` at its beginning. What belongs on one
 * line is made `printable` by its writer besides.
 */
export function safeTerminal(terminal: Terminal): Terminal {
  return {
    get isTTY() {
      return terminal.isTTY === true
    },
    get columns() {
      return terminal.columns ?? 80
    },
    write: (text) => {
      const live = terminal.isTTY === true && text.startsWith(CLEAR_LINE)
      return terminal.write(live ? CLEAR_LINE + printableLines(text.slice(CLEAR_LINE.length)) : printableLines(text))
    },
  }
}
