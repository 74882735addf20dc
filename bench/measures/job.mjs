import { runInterleaved, valuesOf } from '../harness/interleaved.mjs'
import { batchOfJob, classesOf, startWeights } from '../harness/inputs.mjs'
import { runJob } from '../harness/jobs.mjs'
import { canWatchMemory } from '../harness/peak-memory.mjs'
import { makeRow } from '../report/row.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Runner} Runner */
/** @typedef {import('../types.d.mts').Row} Row */
/** @typedef {import('../harness/jobs.mjs').JobOutcome} JobOutcome */

export const MODEL = 'regnet_y_400mf'
/** Of which the losses are compared. */
const FIRST_STEPS = 3
const FAST = { memoryFormat: 'channels_last' }

/** @typedef {{ readonly memoryFormat: string, readonly precision: string }} Options */
/**
 * @typedef {object} Case
 * @property {Options} options
 * @property {readonly string[]} peers
 * @property {number} repeats
 * @property {number} epochs
 * @property {string} [note]
 * @property {true} [extra]
 */

/**
 * In the precision that `auto` takes, as tuned takes the one it is fastest in; in the notebook's own beside it, which on a GPU
 * is fp16.
 *
 * @param {Pick<Context, 'precision' | 'device'>} context
 * @returns {readonly Case[]}
 */
function casesOf({ precision: auto, device }) {
  const precision = device === 'cpu' ? 'fp32' : 'fp16'
  /** @type {Case} */
  const own = {
    options: { ...FAST, precision },
    peers: ['notebook'],
    repeats: 1,
    epochs: 2,
    note: 'in the notebook’s precision',
    extra: true,
  }
  const numbers = device === 'cpu' ? 'the notebook’s numbers to the last bit' : 'in the notebook’s precision and memory format'
  return [
    { options: { ...FAST, precision: auto }, peers: ['notebook', 'tuned', 'compiled'], repeats: 2, epochs: 3 },
    ...(auto === precision ? [] : [own]),
    { ...own, options: { memoryFormat: 'contiguous', precision }, note: numbers },
  ]
}

/**
 * The notebook's own job: torchgraft's side is its recipe of the notebook, number for number the same images.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const job = {
  names: ['epoch-first', 'epoch-later'],
  quick: false,
  async *run(context, wanted) {
    for (const { extra, ...each } of casesOf(context)) {
      const rows = await runEpochs(context, each)
      yield* rows.filter(({ name }) => wanted.has(name)).map((row) => ({ ...row, ...(extra && { extra }) }))
    }
  },
}

/** @param {Context} context @param {Omit<Case, 'extra'>} each @returns {Promise<Row[]>} */
async function runEpochs(context, { options, peers, repeats, epochs, note }) {
  const { samples, facts, how, leftOut, same } = await runInterleaved(context, {
    title: `epoch ${Object.values(options).join(' ')}`,
    task: 'epoch',
    params: {},
    peers,
    repeats: context.repeats(repeats),
    start: (name) => jobContestant(context, name, options, { epochs, watch: false }),
  })
  const about = {
    model: MODEL,
    unit: 's',
    better: /** @type {const} */ ('lower'),
    params: await paramsOf(context, facts, options),
    how,
    leftOut,
    same,
    ...(note !== undefined && { note }),
  }
  return ['first', 'later'].map((when) => makeRow({ ...about, name: `epoch-${when}` }, valuesOf(samples, when)))
}

/**
 * The most memory that its processes have held at once; of a GPU's, where that is the device.
 *
 * @type {import('../types.d.mts').Measure}
 */
export const memory = {
  names: ['memory'],
  quick: true,
  async *run(context) {
    if (context.device === 'cpu' && !canWatchMemory) {
      context.tell('memory is left out: this system has no /proc to read it from')
      return
    }
    for (const { options, peers, note, extra } of casesOf(context).slice(0, context.quick ? 1 : 2)) {
      const { samples, facts, how, leftOut, same } = await runInterleaved(context, {
        title: `memory ${options.precision}`,
        task: 'memory',
        params: {},
        peers,
        repeats: context.quick ? 0 : context.repeats(2),
        start: (name) => jobContestant(context, name, options, { epochs: 1, watch: true }),
      })
      const values = context.quick ? megabytesIn(facts) : valuesOf(samples, 'megabytes')
      const params = await paramsOf(context, facts, options)
      const about = { name: 'memory', model: MODEL, unit: 'MB', better: /** @type {const} */ ('lower'), params }
      const more = { ...(extra && { extra }), how, leftOut, same, ...(note !== undefined && { note }) }
      yield makeRow({ ...about, ...more }, values)
    }
  },
}

/** @typedef {Awaited<ReturnType<typeof runInterleaved>>['facts']} Facts */

/** @param {Context} context @param {Facts} facts @param {Options} options */
async function paramsOf(context, facts, { memoryFormat }) {
  const precision = facts['torchgraft']?.precision ?? null
  return { batch: await batchOfJob(context), size: 224, precision, memoryFormat, threads: context.threads }
}

/** As values of a row. @param {Facts} facts */
function megabytesIn(facts) {
  return Object.fromEntries(Object.entries(facts).map(([name, told]) => [name, [told.megabytes ?? Number.NaN]]))
}

/**
 * A new process for each run; the first, of a few steps, is to compare.
 *
 * @param {Context} context
 * @param {string} name
 * @param {Options} options
 * @param {{ readonly epochs: number, readonly watch: boolean }} how
 * @returns {Runner}
 */
function jobContestant(context, name, options, { epochs, watch }) {
  const run = async (/** @type {((outcome: JobOutcome) => boolean) | undefined} */ until) => {
    const weights = await startWeights(context, MODEL, await classesOf(context))
    const own = { model: MODEL, weights, epochs, batch: await batchOfJob(context) }
    return runJob(context, name, own, { options, watch, ...(until && { until }) })
  }
  return {
    async begin() {
      const { steps, precision, how, peak } = await run((outcome) => outcome.steps.length === FIRST_STEPS)
      const words = name === 'torchgraft' ? `recipe notebook, ${how}, ${options.memoryFormat}` : how
      return {
        how: words,
        precision,
        rounded: name === 'tuned' || name === 'compiled',
        losses: steps.map(({ loss }) => loss),
        megabytes: peak / 1e6,
      }
    },
    async run() {
      const { epochs: ended, peak } = await run(undefined)
      const [first, last] = [ended[0], ended.at(-1)]
      if (!first || !last) throw new Error('its training ended before an epoch did')
      return { first: first.seconds, later: (last.at - first.at) / (ended.length - 1), megabytes: peak / 1e6 }
    },
    async close() {},
  }
}
