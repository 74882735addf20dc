import { printableLines } from './format.js'

/** What text is written to: a process's stdout or stderr, or a test's. */
export interface Terminal {
  write(text: string): unknown
  /** Whether people watch it: a line may then be written over. */
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Control characters that empty the line, for a live line that is written again. Only at the beginning of what is written. */
export const CLEAR_LINE = '\r\x1b[2K'

/**
 * A terminal that text of a file, a name or the network cannot control: what is written through it has no control characters but
 * line breaks and, where people watch it, one `CLEAR_LINE` at the beginning. Text that belongs on one line is also made `printable`
 * by its writer.
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
