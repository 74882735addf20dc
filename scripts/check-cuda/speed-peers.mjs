import { startTeller } from './child.mjs'
import { whatIsMissing } from './machine.mjs'
import { PEERS, peerEnv } from './notebook.mjs'
import { childFailed } from './part.mjs'
import { speedSizes } from './speed.mjs'

/** @typedef {import('./part.mjs').Context} Context */
/** @typedef {import('./speed-rows.mjs').Row} Row */

const LIMIT = 100

/** @param {Context} context */
export function missingForPeers({ python }) {
  return whatIsMissing(python, ['torch', 'torchvision', 'numpy', 'PIL'])
}

/**
 * The arguments of a peer's process.
 *
 * @param {Context} context @param {string} peer @param {readonly Row[]} rows @param {boolean} hold
 */
export function peerTask(context, peer, rows, hold) {
  const { size, classes, repeats, steps, threads } = speedSizes(context)
  return [PEERS, JSON.stringify({ peer, rows: rows.map(({ name, model, batch, task }) => ({ name, model, batch, task })), device: context.device, size, classes, repeats, steps, threads, startedAt: Date.now(), hold })]
}

/**
 * All rows of one peer, in one process, which takes seconds to start.
 *
 * @param {Context} context @param {AbortSignal} signal @param {string} peer @param {readonly Row[]} rows
 * @param {(name: string, message: any) => void} take @param {(what: string) => void} fail
 */
export async function runPeer(context, signal, peer, rows, take, fail) {
  const told = new Set()
  const onMessage = (/** @type {any} */ message) => {
    told.add(message.row)
    if (message.error === undefined) take(message.row, message)
    else fail(`${message.row}, ${peer}: ${message.error}`)
  }
  const { root, env, device, python } = context
  const child = startTeller(python.command, peerTask(context, peer, rows, false), { cwd: root, env: peerEnv(env, device), limit: LIMIT, signal, onMessage })
  const end = await child.end
  const left = rows.filter(({ name }) => !told.has(name)).map(({ name }) => name)
  if (left.length > 0) fail(childFailed(`The peer ${peer}, before ${left.join(' and ')},`, end, LIMIT).message)
}
