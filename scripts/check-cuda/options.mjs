import { parseArgs } from 'node:util'
import { readDevice } from '../../bench/harness/arguments.mjs'
import { SetupError } from '../setup/errors.mjs'

export const PARTS = /** @type {const} */ (['build', 'test', 'train', 'notebook', 'speed'])

/** @typedef {import('./types.d.mts').Options} Options */

export const USAGE = `npm run check:cuda -- [options]

  --only PARTS     of ${PARTS.join(',')} [all]
  --no-compiled    leaves out the peer under torch.compile, which takes a minute to compile
  --device NAME    cuda, cuda:1, or cpu, which tries the check itself [cuda]
  --quick          small sizes and few steps
  --report FILE    writes what was found as JSON, too
  --pack FOLDER    makes the files that a bare machine needs, and checks nothing`

/**
 * @param {readonly string[]} args
 * @returns {Options}
 * @throws {SetupError} where they make no sense
 */
export function readOptions(args) {
  const values = parse(args)
  const device = readDevice(values.device)
  if (device === undefined) throw wrong('cpu, cuda or cuda:N', '--device', values.device)
  const asked = values.only === undefined ? PARTS : values.only.split(',').map((name) => name.trim())
  const unknown = asked.find((name) => !PARTS.some((part) => part === name))
  if (unknown !== undefined) throw wrong(`some of ${PARTS.join(', ')}`, '--only', unknown)
  const only = PARTS.filter((part) => asked.includes(part))
  return { device, quick: values.quick, compiled: !values['no-compiled'], only, pack: values.pack, report: values.report }
}

/** @param {readonly string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        device: { type: 'string', default: 'cuda' },
        quick: { type: 'boolean', default: false },
        'no-compiled': { type: 'boolean', default: false },
        only: { type: 'string' },
        pack: { type: 'string' },
        report: { type: 'string' },
      },
    }).values
  } catch (error) {
    throw new SetupError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
  }
}

/** @param {string} expected @param {string} name @param {string} received */
function wrong(expected, name, received) {
  return new SetupError(`Expected ${expected} for ${name} but received ${received}\n\n${USAGE}`)
}
