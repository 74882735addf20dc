import { printable } from '../printable.mjs'

/** Where nobody watches a live line, a long step says something this often. */
const PLAIN_EVERY_MS = 10_000

/**
 * Tells of one step at a time: a line of what it does and, once it takes over two seconds, how far it is.
 *
 * @param {{ write(text: string): unknown, readonly isTTY?: boolean }} stream
 */
export function makeProgress(stream) {
  const live = stream.isTTY === true
  const clear = '\r\x1b[2K'

  /**
   * @template T
   * @param {string} named
   * @param {(tell: (detail: string) => void) => Promise<T>} work
   * @returns {Promise<T>}
   */
  return async (named, work) => {
    const title = printable(named)
    const began = performance.now()
    let detail = ''
    let spokeAt = began
    stream.write(live ? `${title} …` : `${title}\n`)
    const timer = setInterval(() => {
      const now = performance.now()
      if (now - began < 2000 || (!live && now - spokeAt < PLAIN_EVERY_MS)) return
      spokeAt = now
      const line = `${title}: ${detail === '' ? '' : `${detail}, `}${Math.round((now - began) / 1000)} s`
      stream.write(live ? `${clear}${line}` : `${line}\n`)
    }, 500)
    try {
      return await work((text) => { detail = printable(text) })
    } finally {
      clearInterval(timer)
      if (live) stream.write(`${clear}${title}: ${Math.round((performance.now() - began) / 1000)} s\n`)
    }
  }
}
