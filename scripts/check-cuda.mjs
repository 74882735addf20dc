// Checks torchgraft on a GPU, without a network: builds it for the libtorch that is there, runs test/cuda, trains images
// that it makes, kills and resumes a run, compares the notebook's recipe with bench/notebook.py, and measures beside the bench's
// peers. At the end, or when it is ended before (SIGTERM), stands one table of what was found; the code is 1 where anything failed.
//
//   npm run check:cuda -- [--only build,test,train,notebook,speed] [--no-compiled] [--device cpu] [--quick] [--report FILE]
//   npm run check:cuda -- --pack FOLDER
import './pool-threads.cjs' // what it starts decodes images by as many threads as a run by the command line does
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endAll } from '../bench/harness/children.mjs'
import { askPython } from '../bench/harness/python.mjs'
import { stopChildren } from './check-cuda/child.mjs'
import { findLibtorch, machineFacts } from './check-cuda/machine.mjs'
import { readOptions } from './check-cuda/options.mjs'
import { runPart } from './check-cuda/part.mjs'
import { prepare } from './check-cuda/speed/prepare.mjs'
import { makeTable } from './check-cuda/table.mjs'
import { makeData } from './check-cuda/train/data.mjs'
import { SetupError } from './setup/errors.mjs'

/** @typedef {import('./check-cuda/types.d.mts').Options} Options */
/** @typedef {import('./check-cuda/types.d.mts').Found} Found */
/** @typedef {import('./check-cuda/types.d.mts').Context} Context */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/**
 * When a part is ended, in seconds. On 16 cores and an H200 it takes, by what was measured there or is reckoned from it: build 45;
 * test 60; train 17 + 15 for the run that is killed and resumed; notebook 3 × 12; speed 80 (8 rows of a process's start and
 * 5 × 24 steps; three peers in four of them, of 25 to 70 ms a step), if torch.compile, which takes some 60 beside test and train,
 * is ready by then. In all some 255 of 300.
 */
const LIMITS = { build: 300, test: 160, train: 100, notebook: 100, speed: 240 }
const tell = (/** @type {string} */ line) => console.log(line)

/** @param {Options} options */
async function check(options) {
  const { device, quick, only } = options
  const began = performance.now()
  const { found: libtorch, env } = findLibtorch({ root: ROOT, env: process.env, device })
  Object.assign(process.env, env) // the bench's programs take it from here
  const python = askPython(device === 'cpu' ? { ...process.env, CUDA_VISIBLE_DEVICES: '' } : process.env)
  /** @type {readonly (readonly [string, string])[]} */
  const facts = [
    ...machineFacts(process.env),
    ['libtorch', `${libtorch.version} (${libtorch.source}) in ${libtorch.folder}`],
    ['python', describePython(python)],
  ]
  for (const [name, value] of facts) tell(`${name}: ${value}`)
  const temporary = mkdtempSync(join(tmpdir(), 'torchgraft-cuda-'))
  const wantsData = only.some((part) => part === 'train' || part === 'notebook' || part === 'speed')
  const data = wantsData ? makeData({ root: ROOT, temporary, env, quick }) : Promise.resolve('')
  data.catch(() => {}) // told where it is needed
  /** @type {Context} */
  const context = { root: ROOT, temporary, env, device, quick, compiled: options.compiled, python, data, tell }
  /** @type {Found} */
  const found = { results: [], measured: new Map(), notes: new Set() }
  const report = () => {
    tell(`\n${makeTable({ facts, found })}\n\nIn all ${((performance.now() - began) / 1000).toFixed(0)} s.`)
    const { results, measured, notes } = found
    const all = { facts: Object.fromEntries(facts), results, measured: [...measured.values()], notes: [...notes] }
    if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify(all, null, 2)}\n`)
    rmSync(context.temporary, { recursive: true, force: true, maxRetries: 5 }) // a child that was killed may still be writing
  }
  const stop = () => {
    stopChildren()
    endAll()
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      stop()
      tell(`\n${signal}: ended before all was checked.`)
      const { running } = found
      const seconds = (performance.now() - (running?.began ?? 0)) / 1000
      if (running) found.results.push({ part: running.part, result: 'FAILED', seconds, what: `was not over when ${signal} came` })
      report()
      process.exit(1)
    })
  }
  try {
    await runParts(context, only, found)
  } finally {
    stop()
    report()
  }
  const good = found.results.length === only.length && found.results.every(({ result }) => result !== 'FAILED')
  process.exitCode = good ? 0 : 1
}

/** @param {Context} context @param {Options['only']} only @param {Found} found */
async function runParts(context, only, found) {
  /** @type {ReturnType<typeof prepare> | undefined} */
  let prepared
  for (const part of only) {
    if (part !== 'build' && only.includes('speed')) prepared ??= prepare(context)
    prepared?.catch(() => {}) // told by the part that needs it
    found.running = { part, began: performance.now() }
    const result = await runPart(part, { limit: LIMITS[part], tell }, async (signal) => {
      // Parts are loaded when their turn comes: one of them may need what another has built.
      if (part === 'build') return (await import('./check-cuda/addon/build.mjs')).build(context, signal)
      if (part === 'test') return (await import('./check-cuda/test.mjs')).test(context, signal)
      if (part === 'train') return (await import('./check-cuda/train/train.mjs')).train(context, signal, found)
      if (part === 'notebook') return (await import('./check-cuda/notebook.mjs')).notebook(context, signal)
      const { speed } = await import('./check-cuda/speed/speed.mjs')
      return speed(context, signal, { found, prepared: await (prepared ?? prepare(context)) })
    })
    found.running = undefined
    found.results.push(result)
    if (part === 'build' && result.result === 'FAILED') return
  }
}

/** @param {import('../bench/types.d.mts').Python} python */
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
