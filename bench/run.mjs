// torchgraft beside the Python notebook, and beside the best that PyTorch does, in one run: npm run bench
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SetupError } from '../scripts/setup/errors.mjs'
import { findJemalloc } from './harness/jemalloc.mjs'
import { namesOn, parseArguments, UsageError } from './harness/arguments.mjs'
import { drawChart } from './report/chart.mjs'
import { endAll } from './harness/children.mjs'
import { askGpu, requireGpu, visibleDevices } from './harness/device.mjs'
import { pythonEnvironment } from './harness/environment.mjs'
import { describeMachine } from './harness/machine.mjs'
import { MEASURES } from './harness/measures.mjs'
import { plainPath } from './harness/plain-path.mjs'
import { askPython } from './harness/python.mjs'
import { drawScaleChart } from './report/scale-chart.mjs'
import { writeResult } from './report/results-file.mjs'
import { MismatchError } from './report/sameness.mjs'
import { formatHead, formatRow } from './report/table.mjs'

/** @typedef {import('./types.d.mts').Context} Context */
/** @typedef {import('./types.d.mts').Row} Row */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SAMPLES = join(ROOT, 'samples', 'campus')
const SLOW_PEERS = { compiled: '--quick has no time for compiling' }

const tell = (/** @type {string} */ line) => void process.stderr.write(`${line}\n`)

/** @param {readonly string[]} argv */
async function main(argv) {
  const { only, repeats, data, quick, device } = parseArguments(argv, MEASURES)
  const onGpu = device !== 'cpu'
  const state = join(ROOT, '.torchgraft')
  const environment = join(state, 'bench-python')
  if (!onGpu) await pythonEnvironment(environment, tell)
  const named = onGpu ? process.env : { ...process.env, TORCHGRAFT_PYTHON: join(environment, 'bin', 'python') }
  const peers = askPython({ ...named, CUDA_VISIBLE_DEVICES: visibleDevices(device, process.env) })
  const { machine, threads, precision, libtorch } = await describeMachine(device, ({ cuda, libtorch }) => {
    if (!onGpu) return undefined
    const gpu = askGpu(device, process.env)
    requireGpu({ device, gpu, cuda, libtorch, python: peers })
    return /** @type {import('./types.d.mts').Gpu} */ (gpu)
  })
  const kept = join(state, onGpu ? 'bench-cuda' : 'bench')
  mkdirSync(kept, { recursive: true })
  const jemalloc = onGpu ? undefined : findJemalloc(join(kept, 'jemalloc'))
  if (jemalloc === undefined && !onGpu) tell('There is no jemalloc here, which is worth up to 1.6 × to PyTorch: the peers make do with glibc, tuned. Install libjemalloc2, or name one in TORCHGRAFT_JEMALLOC.')
  if (quick) tell(`--quick leaves out the compiled peer (compiling takes minutes), most measures and most repeats.`)
  const temporary = await mkdtemp(join(tmpdir(), 'torchgraft-bench-'))
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      endAll()
      rmSync(temporary, { recursive: true, force: true, maxRetries: 3 })
      process.exit(130)
    })
  }
  const folder = resolve(data ?? SAMPLES)
  const python = onGpu ? peers.command : join(plainPath(environment, temporary), 'bin', 'python')
  /** @type {Context} */
  const context = {
    root: ROOT, temporary, kept, data: folder, folders: sidesOf(folder), quick, threads, device, precision, python, tell,
    jemalloc: jemalloc && plainPath(jemalloc, temporary),
    compiled: join(plainPath(kept, temporary), 'compiled'),
    repeats: (usual) => repeats ?? (quick ? Math.min(usual, 2) : usual),
    skip: quick ? SLOW_PEERS : {},
  }
  try {
    const date = new Date().toISOString()
    const { version: own } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    const versions = { torchgraft: own, libtorch, node: process.versions.node, ...peers.versions }
    console.log(formatHead({ machine, versions }).join('\n'))
    const measures = await measureAll(context, only)
    const report = { date, quick, data: data === undefined ? 'samples/campus' : resolve(data), machine, versions, measures }
    tell(`Written to ${await writeResult(join(ROOT, 'bench', 'results'), report, { chart: drawChart(report), scaleChart: drawScaleChart(report) })}`)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** @param {string} data */
function sidesOf(data) {
  const sets = ['train', 'val'].map((name) => join(data, name))
  return sets.every((side) => existsSync(side)) ? sets : [data]
}

/** @param {Context} context @param {readonly string[] | undefined} only @returns {Promise<Row[]>} */
async function measureAll(context, only) {
  /** @type {Row[]} */
  const rows = []
  for (const { quick, run, ...measure } of MEASURES) {
    const wanted = new Set(namesOn(context.device, measure).filter((name) => only?.includes(name) ?? (!context.quick || quick)))
    if (wanted.size === 0) continue
    const began = performance.now()
    try {
      for await (const row of run(context, wanted)) {
        console.log(`\n${formatRow(row).join('\n')}`)
        rows.push(row)
      }
    } catch (error) {
      if (error instanceof MismatchError) throw error
      // What an hour has measured is not lost for what comes after it.
      console.error(`${[...wanted].join(', ')} FAILED: ${/** @type {Error} */ (error).stack}`)
      process.exitCode = 1
    }
    tell(`${[...wanted].join(', ')}: ${((performance.now() - began) / 60_000).toFixed(1)} min`)
  }
  return rows
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof MismatchError) console.error(`Those that are compared did not do the same work, and so the bench ends: ${error.message}`)
  else if (error instanceof UsageError || error instanceof SetupError) console.error(error.message)
  else throw error
  process.exitCode = error instanceof UsageError ? 2 : 1
}
