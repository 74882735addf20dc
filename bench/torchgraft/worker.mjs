// torchgraft's side of interleaved runs (bench/harness/interleaved.mjs): takes a task, then runs it as often as it is asked to.
import { createInterface } from 'node:readline'

/** @typedef {import('../types.d.mts').Facts} Facts */
/** @typedef {import('../types.d.mts').Sample} Sample */
/** @typedef {{ readonly facts: Facts, run(params: any): Promise<Sample> }} Task */

/** @type {Task | undefined} */
let task

/** @param {{ begin?: string, params?: object, run?: object }} request */
async function answer({ begin, params, run }) {
  if (begin === undefined) return task?.run(run)
  const { begin: start } = await import(new URL(`${begin}.mjs`, import.meta.url).href)
  task = /** @type {Task} */ (await start(params))
  return task.facts
}

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(line)).catch((error) => ({ error: /** @type {Error} */ (error).stack }))
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}
process.exit()
