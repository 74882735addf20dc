import { printable } from '../common/printable.mjs'
import { prose } from '../common/prose.mjs'

/** Where nobody watches a live line, a long step says something this often. */
const PLAIN_EVERY_MS = 10_000

/**
 * Reports one step at a time: a line of what it does and, after two seconds, how far it is.
 *
 * @param {{ write(text: string): unknown, readonly isTTY?: boolean, readonly columns?: number }} stream
 */
export function makeProgress(stream) {
  const live = stream.isTTY === true
  const clear = '\r\x1b[2K'
  /**
   * A live line must stay one: what is longer than the terminal is wide could not be taken back.
   *
   * @param {string} title @param {string} rest
   */
  const liveLine = (title, rest) => {
    const width = (stream.columns || 80) - 1 - rest.length
    return (title.length > width ? `${title.slice(0, Math.max(0, width - 1))}…` : title) + rest
  }

  /**
   * @template T
   * @param {string} named
   * @param {(report: (detail: string) => void) => Promise<T>} work
   * @returns {Promise<T>}
   */
  return async (named, work) => {
    const title = printable(named)
    const began = performance.now()
    let detail = ''
    let spokeAt = began
    stream.write(live ? liveLine(title, ' …') : `${title}\n`)
    const timer = setInterval(() => {
      const now = performance.now()
      if (now - began < 2000 || (!live && now - spokeAt < PLAIN_EVERY_MS)) return
      spokeAt = now
      const rest = `: ${detail === '' ? '' : `${detail}, `}${Math.round((now - began) / 1000)} s`
      stream.write(live ? `${clear}${liveLine(title, rest)}` : `${title}${rest}\n`)
    }, 500)
    try {
      return await work((text) => { detail = printable(text) })
    } finally {
      clearInterval(timer)
      if (live) stream.write(`${clear}${prose(`${title}: ${Math.round((performance.now() - began) / 1000)} s`, stream)}\n`)
    }
  }
}
