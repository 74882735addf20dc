import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { load } from '../torchgraft/library.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('../types.d.mts').Machine} Machine */
/** @typedef {import('../types.d.mts').Gpu} Gpu */

/** @typedef {Pick<Context, 'threads' | 'precision'> & { readonly machine: Machine, readonly libtorch: string }} Described */

/**
 * This machine, and what torchgraft does on it by itself.
 *
 * @param {Context['device']} device
 * @param {(found: { readonly cuda: readonly string[], readonly libtorch: string }) => Gpu | undefined} gpuOf checks a GPU before it
 *   is used
 * @returns {Promise<Described>}
 */
export async function describeMachine(device, gpuOf) {
  const { loadAddon } = await load('addon/load.js')
  const { defaultThreads } = await load('session/threads.js')
  const addon = loadAddon()
  const { features, bf16, threads, cuda } = addon.system()
  const gpu = gpuOf({ cuda, libtorch: addon.libtorchVersion })
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
      ...(gpu && { gpu }),
    },
    threads: defaultThreads(threads),
    precision: (device === 'cpu' ? bf16 : await addon.multipliesBf16(device)) ? 'bf16' : device === 'cpu' ? 'fp32' : 'fp16',
    libtorch: addon.libtorchVersion,
  }
}
