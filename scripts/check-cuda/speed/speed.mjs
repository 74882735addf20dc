import { endAll } from '../../../bench/harness/children.mjs'
import { runInterleaved, valuesOf } from '../../../bench/harness/interleaved.mjs'
import { summarize } from '../../../bench/report/statistics.mjs'
import { CheckFailed } from '../part.mjs'
import { compareSpeeds } from '../table.mjs'
import { paramsOf } from './inputs.mjs'
import { measureLoad } from './load.mjs'
import { rowsOf } from './rows.mjs'
import { makeRunners } from './runners.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Found} Found */
/** @typedef {import('../types.d.mts').Prepared} Prepared */
/** @typedef {import('../types.d.mts').SpeedRow} SpeedRow */
/** @typedef {import('../../../bench/types.d.mts').Outcome} Outcome */

const PEERS = ['notebook', 'tuned', 'compiled']
/** From a program's start to its first step, in seconds; of the first row. */
const FIRST_STEP = { name: 'start to first step, s', lower: /** @type {const} */ (true), bar: 3, aim: 2 }

/**
 * Images a second of each row, with its peers in turn: the bench's own, as it measures them. What could be measured is in
 * `found`, whatever else fails.
 *
 * @param {Context} context @param {AbortSignal} signal @param {{ readonly found: Found, readonly prepared: Prepared }} given
 */
export async function speed(context, signal, { found, prepared: { bench, inputs, compiled } }) {
  /** @type {string[]} */
  const failed = []
  /** @param {string} name @param {unknown} error */
  const fail = (name, error) => {
    const words = error instanceof Error ? error.message : String(error)
    context.tell(`  ${name}: ${words}`)
    failed.push(`${name}: ${words.split('\n')[0] ?? ''}`)
  }
  signal.addEventListener('abort', endAll, { once: true })
  const runners = makeRunners(bench)
  try {
    for (const row of rowsOf(context.quick)) {
      signal.throwIfAborted()
      const { name, task, peers } = row
      const start = (/** @type {string} */ who) => (who === 'compiled' && compiled.get(name)) || runners.start(who)
      const params = paramsOf(await inputs, row, bench.threads)
      const asked = { title: name, task, params, peers: peers ? PEERS : [], repeats: bench.repeats(4), start }
      try {
        const outcome = await runInterleaved(bench, { ...asked, onMismatch: (error) => { fail(name, error) } })
        take(found, row, outcome)
        tellRow(context, row, outcome)
      } catch (error) {
        fail(name, error)
        context.tell(commandOf(task, { device: bench.device, ...params }))
        if (!found.measured.has(name)) found.measured.set(name, { name, cells: {}, ...reachOf(row) })
      }
    }
    for (const row of await measureLoad(context, bench)) found.measured.set(row.name, row)
  } catch (error) {
    fail('speed', error)
  } finally {
    await runners.close()
  }
  if (failed.length > 0) throw new CheckFailed(`${failed.length} of the measurements failed: ${failed.join('; ')}`)
  return compareSpeeds([...found.measured.values()])
}

/** @param {Found} found @param {SpeedRow} row @param {Outcome} outcome */
function take({ measured, notes }, row, { samples, facts }) {
  const cells = Object.fromEntries(Object.entries(valuesOf(samples)).map(([who, values]) => [who, summarize(values).median]))
  measured.set(row.name, { name: row.name, cells, ...reachOf(row) })
  for (const note of facts['torchgraft']?.notes ?? []) notes.add(note)
  const firsts = Object.entries(facts).flatMap(([who, { firstStep }]) => (firstStep === undefined ? [] : [[who, firstStep]]))
  if (firsts.length === 0 || measured.has(FIRST_STEP.name)) return
  measured.set(FIRST_STEP.name, { ...FIRST_STEP, cells: Object.fromEntries(firsts) })
}

/** @param {SpeedRow} row */
function reachOf({ bar, aim }) {
  return { ...(bar !== undefined && { bar }), ...(aim !== undefined && { aim }) }
}

/** @param {Context} context @param {SpeedRow} row @param {Outcome} outcome */
function tellRow({ tell }, { name }, { samples, facts, same }) {
  for (const [who, values] of Object.entries(valuesOf(samples))) {
    const { median, min, max } = summarize(values)
    const losses = facts[who]?.losses?.map((loss) => loss.toFixed(4)).join(' ') ?? ''
    tell(`  ${name}, ${who}: ${median.toFixed(0)} images/s (${min.toFixed(0)}–${max.toFixed(0)}), losses ${losses}`)
  }
  for (const line of same) tell(`    ${line}`)
}

/** How torchgraft's side is tried alone. @param {string} task @param {object} params */
function commandOf(task, params) {
  return `  alone: echo '${JSON.stringify({ begin: task, params })}' | node bench/torchgraft/worker.mjs`
}
