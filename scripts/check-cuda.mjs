// Checks torchgraft on a GPU, without a network: builds it for the libtorch that is there, runs test/cuda, trains images
// that it makes, kills and resumes a run, compares the notebook's recipe with bench/notebook.py, and measures beside PyTorch.
// At the end stands one table; the code is 1 where anything failed.
//
//   npm run check:cuda -- [--only build,test,train,notebook,speed] [--no-compiled] [--device cpu] [--quick] [--report FILE]
//   npm run check:cuda -- --pack FOLDER
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stopChildren } from './check-cuda/child.mjs'
import { askPython } from '../bench/harness/python.mjs'
import { findLibtorch, machineFacts } from './check-cuda/machine.mjs'
import { readOptions } from './check-cuda/options.mjs'
import { runPart } from './check-cuda/part.mjs'
import { makeTable } from './check-cuda/table.mjs'
import { SetupError } from './setup/errors.mjs'

/** @typedef {import('./check-cuda/types.d.mts').Options} Options */
/** @typedef {import('./check-cuda/types.d.mts').Result} Result */
/** @typedef {import('./check-cuda/types.d.mts').Context} Context */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** In seconds; on 16 cores and a GPU of 2024 all of it takes less than five minutes. */
const LIMITS = { build: 300, test: 160, train: 100, notebook: 100, speed: 300 }
const tell = (/** @type {string} */ line) => console.log(line)

/** @param {Options} options */
async function check(options) {
  const { device, quick, only } = options
  const began = performance.now()
  const { found, env } = findLibtorch({ root: ROOT, env: process.env, device })
  const python = askPython(device === 'cpu' ? { ...process.env, CUDA_VISIBLE_DEVICES: '' } : process.env)
  /** @type {readonly (readonly [string, string])[]} */
  const facts = [
    ...machineFacts(process.env),
    ['libtorch', `${found.version} (${found.source}) in ${found.folder}`],
    ['python', describePython(python)],
  ]
  for (const [name, value] of facts) tell(`${name}: ${value}`)
  const temporary = mkdtempSync(join(tmpdir(), 'torchgraft-cuda-'))
  const context = { root: ROOT, temporary, env, device, quick, compiled: options.compiled, python, tell }
  /** @type {Result[]} */
  const results = []
  /** @type {Map<string, import('./check-cuda/types.d.mts').Measured>} */
  const measured = new Map()
  const report = () => {
    const rows = [...measured.values()]
    tell(`
${makeTable({ facts, results, measured: rows })}

In all ${((performance.now() - began) / 1000).toFixed(0)} s.`)
    const found = { facts: Object.fromEntries(facts), results, measured: rows }
    if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify(found, null, 2)}
`)
    rmSync(context.temporary, { recursive: true, force: true, maxRetries: 5 }) // a child that was killed may still be writing
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      stopChildren()
      tell(`\n${signal}: ended before all was checked.`)
      report()
      process.exit(1)
    })
  }
  try {
    await runParts(context, only, results, measured)
  } finally {
    stopChildren()
    report()
  }
  const good = results.length === only.length && results.every(({ result }) => result !== 'FAILED')
  process.exitCode = good ? 0 : 1
}

/**
 * @param {Context} context @param {Options['only']} only
 * @param {Result[]} results @param {Map<string, import('./check-cuda/types.d.mts').Measured>} measured
 */
async function runParts(context, only, results, measured) {
  /** @type {import('./check-cuda/speed/speed-compiled.mjs').CompiledPeers | undefined} */
  let compiled
  for (const part of only) {
    if (part !== 'build') compiled ??= await beginToCompile(context, only)
    const result = await runPart(part, { limit: LIMITS[part], tell }, async (signal) => {
      // Parts are loaded when their turn comes: one of them may need what another has built.
      if (part === 'build') return (await import('./check-cuda/addon/build.mjs')).build(context, signal)
      if (part === 'test') return (await import('./check-cuda/test.mjs')).test(context, signal)
      if (part === 'train') return (await import('./check-cuda/train/train.mjs')).train(context, signal)
      if (part === 'notebook') return (await import('./check-cuda/notebook.mjs')).notebook(context, signal)
      return (await import('./check-cuda/speed/speed.mjs')).speed(context, signal, { measured, compiled })
    })
    results.push(result)
    if (part === 'build' && result.result === 'FAILED') return
  }
}

/** @param {Context} context @param {Options['only']} only */
async function beginToCompile(context, only) {
  if (!context.compiled || context.device === 'cpu' || !only.includes('speed')) return undefined
  const { missingForPeers } = await import('./check-cuda/speed/speed-peers.mjs')
  if (missingForPeers(context) !== '') return undefined
  const { speedRows } = await import('./check-cuda/speed/speed.mjs')
  return (await import('./check-cuda/speed/speed-compiled.mjs')).startCompiled(context, speedRows(context.quick))
}

/** @param {import('./check-cuda/types.d.mts').Python} python */
function describePython({ command, versions, missing }) {
  const has = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [command, ...has, ...Object.keys(missing).map((name) => `no ${name}`)].join(', ')
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options.pack !== undefined) await (await import('./check-cuda/pack/pack.mjs')).pack(ROOT, options.pack, tell)
  else await check(options)
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
