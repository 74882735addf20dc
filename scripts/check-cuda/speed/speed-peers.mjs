import { startTeller } from '../child.mjs'
import { whatIsMissing } from '../../../bench/harness/python.mjs'
import { PEERS, peerEnv } from '../notebook.mjs'
import { childFailed } from '../part.mjs'
import { speedSizes } from './speed.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').SpeedRow} SpeedRow */

const LIMIT = 100

/** @param {Context} context */
export function missingForPeers({ python }) {
  return whatIsMissing(python, ['torch', 'torchvision', 'numpy', 'PIL'])
}

/**
 * The arguments of a peer's process.
 *
 * @param {Context} context @param {string} peer @param {readonly SpeedRow[]} rows @param {boolean} hold
 */
export function peerTask(context, peer, rows, hold) {
  const { size, classes, repeats, steps, threads } = speedSizes(context)
  const { device } = context
  return [PEERS, JSON.stringify({ peer, rows, device, size, classes, repeats, steps, threads, startedAt: Date.now(), hold })]
}

/**
 * All rows of one peer, in one process, which takes seconds to start.
 *
 * @param {Context} context @param {AbortSignal} signal @param {string} peer @param {readonly SpeedRow[]} rows
 * @param {import('../types.d.mts').TakeSpeeds} take @param {import('../types.d.mts').Tell} fail
 */
export async function runPeer(context, signal, peer, rows, take, fail) {
  if (rows.length === 0) return
  const told = new Set()
  const onMessage = (/** @type {any} */ message) => {
    told.add(message.row)
    if (message.error === undefined) take(message.row, message)
    else fail(`${message.row}, ${peer}: ${message.error}`)
  }
  const { root, env, device, python } = context
  const options = { cwd: root, env: peerEnv(env, device), limit: LIMIT, signal, onMessage }
  const end = await startTeller(python.command, peerTask(context, peer, rows, false), options).end
  const left = rows.filter(({ name }) => !told.has(name)).map(({ name }) => name)
  if (left.length > 0) fail(childFailed(`The peer ${peer}, before ${left.join(' and ')},`, end, LIMIT).message)
}
