import { parseArgs } from 'node:util'

/** What was typed is wrong: told with how to say it. */
export class UsageError extends Error {}

/**
 * @typedef {object} Arguments
 * @property {readonly string[] | undefined} only names of measures
 * @property {number | undefined} repeats
 * @property {string | undefined} data
 * @property {boolean} quick
 * @property {import('../types.d.mts').Context['device']} device
 */

export const USAGE = 'npm run bench -- [--only NAME,…] [--repeats N] [--data FOLDER] [--quick] [--device cpu|cuda|cuda:N]'

/** @typedef {Pick<import('../types.d.mts').Measure, 'names' | 'onGpu'>} Named */

/** @param {readonly string[]} argv @param {readonly Named[]} measures @returns {Arguments} @throws {UsageError} */
export function parseArguments(argv, measures) {
  const { only, repeats, data, quick, device: typed } = parse(argv)
  const device = readDevice(typed)
  if (device === undefined) throw new UsageError(`Expected cpu, cuda or cuda:N for --device but received ${JSON.stringify(typed)}`)
  const known = measures.flatMap((measure) => namesOn(device, measure))
  const names = only?.split(',').filter((name) => name !== '')
  const strange = names?.filter((name) => !known.includes(name)) ?? []
  if (strange.length > 0 || names?.length === 0) throw new UsageError(`Expected names of measures for --only but received ${JSON.stringify(only)}. ${device === 'cpu' ? 'There are' : 'On a GPU there are'} ${known.join(', ')}`)
  if (repeats !== undefined && !/^[1-9]\d{0,3}$/.test(repeats)) throw new UsageError(`Expected a number from 1 to 9999 for --repeats but received ${JSON.stringify(repeats)}`)
  return { only: names, repeats: repeats === undefined ? undefined : Number(repeats), data, quick, device }
}

/** A measure's names, as far as they say something on a device. @param {string} device @param {Named} measure */
export function namesOn(device, { names, onGpu = names }) {
  return device === 'cpu' ? names : onGpu
}

/** `cuda` is the first GPU; undefined of what is no device. @param {string} typed */
export function readDevice(typed) {
  if (typed === 'cpu') return typed
  const index = /^cuda(?::(\d+))?$/.exec(typed)
  return index ? /** @type {const} */ (`cuda:${Number(index[1] ?? 0)}`) : undefined
}

const OPTIONS = /** @type {const} */ ({
  only: { type: 'string' },
  repeats: { type: 'string' },
  data: { type: 'string' },
  quick: { type: 'boolean', default: false },
  device: { type: 'string', default: 'cpu' },
})

/** @param {readonly string[]} argv */
function parse(argv) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS }).values
  } catch (error) {
    throw new UsageError(`${/** @type {Error} */ (error).message}. ${USAGE}`)
  }
}
