import { runProgram } from '../harness/program-run.mjs'
import { nodeProgram } from '../harness/programs.mjs'
import { makeRow } from '../report/row.mjs'
import { summarize } from '../report/statistics.mjs'

const SECONDS = 20

/**
 * The delay of JavaScript's event loop while torchgraft trains in the same process: a server beside it would answer so much later.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const eventLoop = {
  names: ['event-loop'],
  onGpu: [],
  quick: false,
  async *run(context) {
    /** @type {{ readonly busy: number, readonly training: number, readonly idle: number }[]} */
    const found = []
    for (let i = 0; i < context.repeats(2); i++) {
      const { lines } = await runProgram(nodeProgram(context, 'torchgraft/event-loop.mjs', [String(SECONDS), context.data]))
      found.push(JSON.parse(lines.join('')))
    }
    const median = (/** @type {'busy' | 'idle'} */ key) => summarize(found.map((each) => each[key])).median.toFixed(2)
    const note = `99th percentile. Beside as many busy processes as cores, without torchgraft, it is ${median('busy')} ms; idle ${median('idle')} ms. Python has no event loop to compare.`
    const params = { precision: context.precision, threads: context.threads }
    const values = { torchgraft: found.map(({ training }) => training) }
    yield makeRow({ name: 'event-loop', model: 'regnet_y_400mf', unit: 'ms', better: 'lower', params, note }, values)
  },
}
