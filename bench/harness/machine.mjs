import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { load } from '../torchgraft/library.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Machine} Machine */

/**
 * This machine, and what torchgraft does on it by itself.
 *
 * @returns {Promise<Pick<Context, 'threads' | 'precision'> & { readonly machine: Machine, readonly libtorch: string }>}
 */
export async function describeMachine() {
  const { loadAddon } = await load('addon/load.js')
  const { defaultThreads } = await load('session/threads.js')
  const addon = loadAddon()
  const { features, bf16, threads } = addon.system()
  const heldTo = process.env['ATEN_CPU_CAPABILITY']
  const cores = availableParallelism()
  return {
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      features,
      ...(heldTo && { heldTo }),
      cores,
      memory: totalmem(),
      load: (loadavg()[0] ?? 0) / cores,
    },
    threads: defaultThreads(threads),
    precision: bf16 ? 'bf16' : 'fp32',
    libtorch: addon.libtorchVersion,
  }
}
