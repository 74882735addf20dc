import type { Progress } from '../recipes/options.js'
import { CLEAR_LINE, type Terminal } from '../text/safe-terminal.js'

/** Where nobody watches a live line, work that takes long says something this often. */
const PLAIN_EVERY_SECONDS = 30

/**
 * Reports the progress of a long piece of work: as a live line on a terminal, which is removed at the end; elsewhere as plain lines now
 * and then.
 *
 * @param now in seconds
 */
export function progressReport(terminal: Terminal, now: () => number = () => performance.now() / 1000): (progress: Progress) => void {
  let spokeAt = now()
  return ({ what, done, total, loss }) => {
    const line = `${what}: ${done} of ${total}${loss === undefined ? '' : `, loss ${loss.toFixed(4)}`}`
    if (terminal.isTTY === true) {
      terminal.write(done < total ? `${CLEAR_LINE}${line.slice(0, (terminal.columns || 80) - 1)}` : CLEAR_LINE)
      return
    }
    if (now() - spokeAt < PLAIN_EVERY_SECONDS) return
    spokeAt = now()
    terminal.write(`${line}\n`)
  }
}
