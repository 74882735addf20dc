import { summarize } from '../../../bench/report/statistics.mjs'
import { startTeller } from '../child.mjs'
import { CheckFailed, childFailed } from '../part.mjs'
import { missingForPeers, runPeer } from './speed-peers.mjs'
import { QUICK_ROWS, ROWS } from './speed-rows.mjs'
import { compareSpeeds } from '../table.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Measured} Measured */
/** @typedef {import('../types.d.mts').SpeedRow} SpeedRow */
/** @typedef {import('../types.d.mts').Speeds} Speeds */

const LIMIT = 60
const SIZES = { size: 224, source: 320, classes: 20, repeats: 4, steps: 24 }
/** Beside other work one thread is the fastest. */
const QUICK_SIZES = { size: 64, source: 80, classes: 20, repeats: 2, steps: 2, threads: 1 }

/** @param {Context} context @returns {import('../types.d.mts').SpeedSizes} */
export const speedSizes = ({ quick }) => (quick ? QUICK_SIZES : SIZES)

/** @param {boolean} quick */
export const speedRows = (quick) => (quick ? QUICK_ROWS : ROWS)

/**
 * Images a second of each row, with its peers in the same run. What could be measured is in `measured`, whatever else fails.
 *
 * @param {Context} context @param {AbortSignal} signal
 * @param {{ readonly measured: Map<string, Measured>, readonly compiled: import('./speed-compiled.mjs').CompiledPeers | undefined }} found
 */
export async function speed(context, signal, { measured, compiled }) {
  const { quick, tell } = context
  /** @type {string[]} */
  const failed = []
  const rows = speedRows(quick)
  for (const { name } of rows) measured.set(name, { name, cells: {} })
  /** @param {keyof Measured['cells']} who */
  const take = (who) => (/** @type {string} */ name, /** @type {Speeds} */ { speeds, first, losses, how }) => {
    const { median, min, max } = summarize(speeds)
    const row = /** @type {Measured} */ (measured.get(name))
    measured.set(name, { name, cells: { ...row.cells, [who]: { median, first } } })
    const images = `${median.toFixed(0)} images/s (${min.toFixed(0)}–${max.toFixed(0)})`
    const learned = losses.map((loss) => loss.toFixed(4)).join(' to ')
    tell(`  ${name}, ${who}: ${images}, first step after ${first.toFixed(1)} s, losses ${learned}; ${how}`)
    if (!losses.every(Number.isFinite)) failed.push(`${name}, ${who}: a loss is not finite`)
  }
  const fail = (/** @type {string} */ what) => {
    tell(`  ${what}`)
    failed.push(what.split('\n')[0] ?? '')
  }
  /** @type {string[]} */
  const notes = []
  // They hold memory of the GPU while they wait. Where torch.compile does not work, no fault is ours.
  await compiled?.measure(take('compiled'), (what) => {
    tell(`  ${what}`)
    notes.push(what.split('\n')[0] ?? '')
  })
  for (const row of rows) {
    signal.throwIfAborted()
    await runOwn(context, signal, row, take('torchgraft'), fail)
  }
  const missing = missingForPeers(context)
  if (missing !== '') tell(`  No peers: ${missing}`)
  const compared = missing === '' ? rows.filter(({ peers }) => peers) : []
  for (const peer of /** @type {const} */ (['tuned', 'notebook'])) await runPeer(context, signal, peer, compared, take(peer), fail)
  if (failed.length > 0) throw new CheckFailed(`${failed.length} of the measurements failed: ${failed.join('; ')}`)
  return [compareSpeeds([...measured.values()]), ...notes].join('; ')
}

/**
 * @param {Context} context @param {AbortSignal} signal @param {SpeedRow} row
 * @param {import('../types.d.mts').TakeSpeeds} take @param {import('../types.d.mts').Tell} fail
 */
async function runOwn(context, signal, row, take, fail) {
  const { name } = row
  const task = { ...row, ...speedSizes(context), device: context.device, startedAt: Date.now() }
  let told = false
  const onMessage = (/** @type {Speeds} */ message) => {
    told = true
    take(name, message)
  }
  const child = new URL('speed-child.mjs', import.meta.url).pathname
  const options = { cwd: context.root, env: context.env, limit: LIMIT, signal, onMessage }
  const end = await startTeller(process.execPath, [child, JSON.stringify(task)], options).end
  if (end.code !== 0 || !told) fail(childFailed(`${name}, torchgraft`, end, LIMIT).message)
}
