import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { visibleDevices } from './device.mjs'

/** @typedef {import('../types.d.mts').Context} Context */
/** @typedef {import('./children.mjs').Program} Program */

/**
 * What torchgraft sets for itself (src/addon/load.ts): a long spin makes a step many times slower beside another busy program.
 * It is given to all.
 */
const SPIN = '10000'
/** Memory stays with the process from step to step, on huge pages. */
const JEMALLOC = 'thp:always,metadata_thp:auto,dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0'
/** The same from glibc, where there is no jemalloc. */
const GLIBC = 'glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=17179869184:glibc.malloc.arena_max=1'

/**
 * A program of Node's.
 *
 * @param {Context} context
 * @param {string} file relative to bench/
 * @param {readonly string[]} [args]
 * @returns {Program}
 */
export function nodeProgram({ root }, file, args = []) {
  return { command: process.execPath, args: [fileURLToPath(new URL(`../${file}`, import.meta.url)), ...args], env: process.env, cwd: root }
}

/**
 * A module of Python's, with the environment that its peer is best in.
 *
 * @param {Context} context @param {string} peer @param {readonly string[]} args
 * @returns {Program}
 */
export function pythonProgram({ root, python, threads, jemalloc, kept, compiled, device }, peer, args) {
  const allocator = device !== 'cpu' ? {} : jemalloc ? { LD_PRELOAD: jemalloc, MALLOC_CONF: JEMALLOC } : { GLIBC_TUNABLES: GLIBC }
  const env = {
    ...process.env,
    OMP_NUM_THREADS: String(threads),
    GOMP_SPINCOUNT: SPIN,
    CUDA_VISIBLE_DEVICES: visibleDevices(device, process.env), // it computes on the device that it sees
    PYTHONPATH: undefined,
    PYTHONPYCACHEPREFIX: join(kept, 'bytecode'),
    TORCHINDUCTOR_CACHE_DIR: compiled,
    ...(peer !== 'notebook' && allocator),
  }
  return { command: python, args, env, cwd: root }
}

/** @param {Context} context @param {string} name torchgraft or a peer @returns {Program} */
export function workerProgram(context, name) {
  return name === 'torchgraft' ? nodeProgram(context, 'torchgraft/worker.mjs') : pythonProgram(context, name, ['-m', `bench.peers.${name}`])
}
