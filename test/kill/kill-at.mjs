// Preloaded into a process that trains: kills it at one of its operations on the run folder's files, or counts them.
//
//   KILL_FOLDER=runs/x KILL_AT='{ "op": 7, "when": "before" | "half" | "after" }' node --import ./kill-at.mjs …
//   KILL_FOLDER=runs/x KILL_COUNT=FILE node --import ./kill-at.mjs …
import { writeFileSync } from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { resolve } from 'node:path'

const folder = resolve(process.env.KILL_FOLDER)
const { op: fatal = Infinity, when } = JSON.parse(process.env.KILL_AT ?? '{}')
/** @type {string[]} */
const done = []
const ours = new WeakSet()
const die = () => process.kill(process.pid, 'SIGKILL')

const concerns = (path) => typeof path === 'string' && resolve(path).startsWith(folder)

/** Calls the real function, and dies before, half way through (where there is such a thing) or after it if it is the one. */
async function step(name, call, half) {
  done.push(name)
  if (done.length !== fatal) return call()
  if (when === 'before' || (when === 'half' && !half)) die()
  if (when === 'half') await half()
  const result = await call()
  die()
  return result
}

for (const name of ['link', 'rename', 'rm', 'writeFile', 'open']) {
  const real = promises[name]
  promises[name] = async (path, ...rest) => {
    if (!concerns(path)) return real(path, ...rest)
    const result = await step(name, () => real(path, ...rest))
    if (name === 'open') ours.add(result)
    return result
  }
}

const any = await promises.open(process.execPath)
const prototype = Object.getPrototypeOf(any)
await any.close()
for (const name of ['write', 'sync', 'appendFile', 'truncate']) {
  const real = prototype[name]
  prototype[name] = function (...args) {
    if (!ours.has(this)) return real.apply(this, args)
    const half = name === 'write' ? () => real.call(this, args[0], args[1] ?? 0, (args[0].length - (args[1] ?? 0)) >> 1).then(die) : name === 'appendFile' ? () => real.call(this, args[0].slice(0, args[0].length >> 1)).then(die) : undefined
    return step(name, () => real.apply(this, args), half)
  }
}
syncBuiltinESMExports()

if (process.env.KILL_COUNT !== undefined) process.on('exit', () => writeFileSync(process.env.KILL_COUNT, JSON.stringify(done)))
