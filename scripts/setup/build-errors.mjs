/** Lines that are shown of an error. */
const SHOWN = 25

/** Of compilers, linkers, CMake and the system. */
const ERROR = /\b(?:fatal )?error:|^CMake Error|undefined (?:reference|symbol)|multiple definition|No space left|Killed|cannot find -l/i
/** What stands above an error and belongs to it. */
const CONTEXT = /^In file included from|^\s+from |: In (?:member |static |constructor|destructor|function|lambda|instantiation|substitution)|: At (?:global|top)|required (?:from|by)|^In function/
/** What stands below it and does not. */
const NEXT = /^\[\s*\d+[/%]|^FAILED:|^ninja: |^g?make(?:\[\d+\])?: |^-- Configuring incomplete|^ERR!|^ERROR |^info |^\s+at .*\.js:/

/**
 * The first error's own lines of a build's log: after it others may follow, commands of hundreds of words, and what the
 * tools around the compiler say.
 *
 * @param {string} log
 * @returns {string | undefined} undefined where no error is recognized
 */
export function firstError(log) {
  const lines = log.split('\n')
  const at = lines.findIndex((line) => ERROR.test(line) && !NEXT.test(line))
  if (at < 0) return undefined
  let from = at
  while (from > 0 && CONTEXT.test(lines[from - 1] ?? '')) --from
  const next = lines.findIndex((line, i) => i > at && NEXT.test(line))
  return lines.slice(from, next < 0 ? undefined : next).slice(0, SHOWN).join('\n').trimEnd()
}
