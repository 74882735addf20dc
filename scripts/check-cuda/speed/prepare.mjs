import { benchContext } from './bench-context.mjs'
import { makeInputs, paramsOf } from './inputs.mjs'
import { rowsOf } from './rows.mjs'
import { startCompiled } from './runners.mjs'

/** @typedef {import('../types.d.mts').Prepared} Prepared */

/**
 * Begins what the measurements need while other parts run: inputs, then the peers under torch.compile, a process for each row.
 *
 * @param {import('../types.d.mts').Context} context
 * @returns {Promise<Prepared>}
 */
export async function prepare(context) {
  const bench = benchContext(context, await context.data)
  /** @type {Prepared['compiled']} */
  const compiled = new Map()
  const begin = async () => {
    const inputs = await makeInputs(context, bench)
    const rows = bench.skip['compiled'] === undefined ? rowsOf(context.quick).filter(({ peers }) => peers) : []
    for (const row of rows) compiled.set(row.name, startCompiled(bench, row, paramsOf(inputs, row, bench.threads)))
    return inputs
  }
  const inputs = begin()
  inputs.catch(() => {}) // told where they are needed
  return { bench, inputs, compiled }
}
