import type { Progress } from '../recipes/options.js'
import { CLEAR_LINE, type Terminal } from '../text/safe-terminal.js'

/** Where nobody watches a live line, work that takes long says something this often. */
const PLAIN_EVERY_SECONDS = 30

/** Tells how far a long piece of work has come: a live line on a terminal, which goes when it is done; else a plain one now and then. */
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
