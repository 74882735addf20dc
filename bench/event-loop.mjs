// How long JavaScript waits for its event loop while torchgraft trains, beside the same wait with as many busy processes
// as there are cores and no torchgraft.   node bench/event-loop.mjs [SECONDS [DATA]]
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const SECONDS = Number(process.argv[2] ?? 30)
const DATA = process.argv[3] ?? fileURLToPath(new URL('../samples/campus', import.meta.url))
/** The monitor counts its own interval, which is taken off again. */
const RESOLUTION_MS = 10

/** @typedef {{ readonly p50: number, readonly p99: number, readonly max: number }} Delay milliseconds */

/** @param {() => Promise<void>} work @returns {Promise<Delay>} */
async function measure(work) {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  monitor.enable()
  await work()
  monitor.disable()
  const delay = (/** @type {number} */ nanoseconds) => nanoseconds / 1e6 - RESOLUTION_MS
  return { p50: delay(monitor.percentile(50)), p99: delay(monitor.percentile(99)), max: delay(monitor.max) }
}

async function trainForAWhile() {
  const { train } = await import(new URL('../dist/index.js', import.meta.url).href)
  const folder = await mkdtemp(join(tmpdir(), 'torchgraft-bench-'))
  /** @type {Delay | undefined} */
  let delay
  try {
    delay = await measure(() => train({ data: DATA, output: join(folder, 'run'), epochs: 1000, signal: AbortSignal.timeout(SECONDS * 1000) }).catch(() => {})) // all of it: listing, decoding, steps, saving
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return delay
}

async function beBusyElsewhere() {
  const busy = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ['--eval', 'for (;;);']))
  try {
    return await measure(() => sleep(SECONDS * 1000))
  } finally {
    for (const child of busy) child.kill()
  }
}

const rows = { 'busy processes, no torchgraft': await beBusyElsewhere(), 'torchgraft training': await trainForAWhile(), 'idle': await measure(() => sleep(3000)) }
console.log(`${cpus()[0]?.model.trim()}, ${availableParallelism()} cores; delay of the event loop, ms`)
console.log(`${''.padEnd(32)}${['p50', 'p99', 'max'].map((name) => name.padStart(9)).join('')}`)
for (const [name, delay] of Object.entries(rows)) {
  if (delay) console.log(`${name.padEnd(32)}${[delay.p50, delay.p99, delay.max].map((value) => value.toFixed(2).padStart(9)).join('')}`)
}
