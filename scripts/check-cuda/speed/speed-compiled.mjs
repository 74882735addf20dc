import { startTeller } from '../child.mjs'
import { peerEnv } from '../notebook.mjs'
import { childFailed } from '../part.mjs'
import { peerTask } from './speed-peers.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').TakeSpeeds} TakeSpeeds */
/** @typedef {import('../types.d.mts').Tell} Tell */
/** @typedef {ReturnType<typeof startCompiled>} CompiledPeers */

/** From its start to its end, the wait for the other parts in it, in seconds. */
const LIMIT = 400
/** How long the others wait for the slowest, from when they could be measured. */
const PATIENCE = 100

/**
 * Starts the peers under torch.compile, a process for each row, long before they are measured: to compile takes a minute each,
 * on the CPU, while other parts run. Each stops before it is timed, and goes on when it is told to.
 *
 * @param {Context} context @param {readonly import('../types.d.mts').SpeedRow[]} rows
 */
export function startCompiled(context, rows) {
  const { root, env, device, python, tell } = context
  const peers = rows.filter(({ peers }) => peers).map((row) => {
    /** @type {any} */
    let result
    let isReady = false
    /** @type {(value: unknown) => void} */
    let readied = () => {}
    const ready = new Promise((resolve) => { readied = resolve })
    const onMessage = (/** @type {any} */ message) => {
      if (message.ready === undefined) result = message
      else tell(`  (torch.compile, ${row.name}: first step after ${message.ready.toFixed(1)} s, beside other work)`)
      isReady = true
      readied(undefined)
    }
    const options = { cwd: root, env: peerEnv(env, device), limit: LIMIT, onMessage }
    const child = startTeller(python.command, peerTask(context, 'compiled', [row], true), options)
    return { row, child, ready: Promise.race([ready, child.end]), result: () => result, isReady: () => isReady }
  })
  return {
    /** When all have compiled, one after another. @param {TakeSpeeds} take @param {Tell} fail told why one has no numbers */
    async measure(take, fail) {
      const slow = new Set()
      const patience = setTimeout(() => {
        for (const { row, child } of peers.filter(({ isReady }) => !isReady())) {
          slow.add(row)
          child.stop()
        }
      }, PATIENCE * 1000)
      await Promise.all(peers.map(({ ready }) => ready))
      clearTimeout(patience)
      for (const { row, child, result } of peers) {
        child.send('go')
        const end = await child.end
        const message = result()
        if (slow.has(row)) fail(`${row.name}, compiled: not compiled ${PATIENCE} s after all else was ready`)
        else if (message?.speeds) take(row.name, message)
        else fail(message?.error ? `${row.name}, compiled: ${message.error}` : childFailed(`${row.name}, compiled`, end, LIMIT).message)
      }
    },
    stop() {
      for (const { child } of peers) child.stop()
    },
  }
}
