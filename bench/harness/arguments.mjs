import { parseArgs } from 'node:util'

/** What was typed is wrong: told with how to say it. */
export class UsageError extends Error {}

/**
 * @typedef {object} Arguments
 * @property {readonly string[] | undefined} only names of measures
 * @property {number | undefined} repeats
 * @property {string | undefined} data
 * @property {boolean} quick
 */

export const USAGE = 'npm run bench -- [--only NAME,…] [--repeats N] [--data FOLDER] [--quick]'

/** @param {readonly string[]} argv @param {readonly string[]} known names of measures @returns {Arguments} @throws {UsageError} */
export function parseArguments(argv, known) {
  const { only, repeats, data, quick } = parse(argv)
  const names = only?.split(',').filter((name) => name !== '')
  const strange = names?.filter((name) => !known.includes(name)) ?? []
  if (strange.length > 0 || names?.length === 0) throw new UsageError(`Expected names of measures for --only but received ${JSON.stringify(only)}. There are ${known.join(', ')}`)
  if (repeats !== undefined && !/^[1-9]\d{0,3}$/.test(repeats)) throw new UsageError(`Expected a number from 1 to 9999 for --repeats but received ${JSON.stringify(repeats)}`)
  return { only: names, repeats: repeats === undefined ? undefined : Number(repeats), data, quick }
}

const OPTIONS = /** @type {const} */ ({
  only: { type: 'string' }, repeats: { type: 'string' }, data: { type: 'string' }, quick: { type: 'boolean', default: false },
})

/** @param {readonly string[]} argv */
function parse(argv) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS }).values
  } catch (error) {
    throw new UsageError(`${/** @type {Error} */ (error).message}. ${USAGE}`)
  }
}
