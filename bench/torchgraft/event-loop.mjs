// How long JavaScript waits for its event loop while torchgraft trains, beside the same wait with as many busy processes as
// there are cores and no torchgraft: JSON.   node bench/torchgraft/event-loop.mjs SECONDS DATA
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { torchgraft } from './library.mjs'

const [, , seconds = '20', data = ''] = process.argv
const MILLISECONDS = Number(seconds) * 1000
/** The monitor counts its own interval, which is taken off again. */
const RESOLUTION_MS = 10

/** @param {() => Promise<void>} work @returns {Promise<number>} the 99th percentile, milliseconds */
async function delayDuring(work) {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  monitor.enable()
  await work()
  monitor.disable()
  return monitor.percentile(99) / 1e6 - RESOLUTION_MS
}

/** All of it: listing, decoding, steps, scoring, saving. */
async function trainForAWhile() {
  const folder = await mkdtemp(join(tmpdir(), 'torchgraft-bench-'))
  const signal = AbortSignal.timeout(MILLISECONDS)
  try {
    await torchgraft.train({ data, output: join(folder, 'run'), epochs: 1000, signal }).catch((error) => {
      if (!signal.aborted) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function beBusyElsewhere() {
  const busy = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ['--eval', 'for (;;);']))
  await sleep(MILLISECONDS / 2)
  for (const child of busy) child.kill()
}

console.log(JSON.stringify({
  busy: await delayDuring(beBusyElsewhere), training: await delayDuring(trainForAWhile), idle: await delayDuring(() => sleep(2000)),
}))
process.exit()
