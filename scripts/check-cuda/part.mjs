import { howItEnded } from './child.mjs'

/** @typedef {import('./types.d.mts').PartName} PartName */
/** @typedef {import('./types.d.mts').Result} Result */

/** A check that failed: what, and all that is known of why. */
export class CheckFailed extends Error {}

/** A check that cannot be done here, and why. */
export class LeftOut extends Error {}

/** @param {string} what @param {import('./types.d.mts').End} end @param {number} limit in seconds */
export function childFailed(what, end, limit) {
  const last = end.lines.length === 0 ? ['It said nothing.'] : ['It said last:', ...end.lines.map((line) => `  | ${line}`)]
  return new CheckFailed([`${what} ${howItEnded(end, limit)}`, `The command: ${end.command}`, ...last].join('\n'))
}

/**
 * Runs one part within its time. It never throws: what went wrong is told at once, and is its result.
 *
 * @param {PartName} part
 * @param {{ readonly limit: number, readonly tell: (line: string) => void }} options limit: in seconds
 * @param {(signal: AbortSignal) => Promise<string>} work gives what it found, in words
 * @returns {Promise<Result>}
 */
export async function runPart(part, { limit, tell }, work) {
  const began = performance.now()
  const controller = new AbortController()
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      controller.abort() // ends its children
      reject(new CheckFailed(`${part} was not over after its ${limit} s`))
    }, limit * 1000)
  })
  tell(`\n== ${part} (at most ${limit} s)`)
  /** @param {Result['result']} result @param {string} what */
  const over = (result, what) => {
    const seconds = (performance.now() - began) / 1000
    tell(`== ${part}: ${result} after ${seconds.toFixed(1)} s. ${what}`)
    return { part, result, seconds, what: what.split('\n')[0] ?? '' }
  }
  try {
    const what = /** @type {string} */ (await Promise.race([work(controller.signal), late]))
    return over('ok', what)
  } catch (error) {
    if (error instanceof LeftOut) return over('left out', error.message)
    controller.abort()
    return over('FAILED', error instanceof CheckFailed ? error.message : describe(error))
  } finally {
    clearTimeout(timer)
  }
}

/** What nobody foresaw, with where it was thrown. @param {unknown} error */
function describe(error) {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `\ncaused by: ${error.cause.stack ?? error.cause.message}` : ''
  return `${error.message}\n${error.stack ?? ''}${cause}`
}
