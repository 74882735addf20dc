import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { whatIsMissing } from '../../../bench/harness/python.mjs'
import { PEERS_IMPORT } from '../../../bench/harness/device.mjs'
import { sizesOf } from './rows.mjs'

/** @typedef {import('../types.d.mts').Context} Context */

/**
 * The bench, on this check's device and images: its peers and torchgraft's side of it are what is measured here.
 *
 * @param {Context} context @param {string} data
 * @returns {import('../../../bench/types.d.mts').Context}
 */
export function benchContext({ root, temporary, device, quick, compiled, python, tell }, data) {
  const { threads = availableParallelism(), repeats } = sizesOf(quick)
  const missing = whatIsMissing(python, PEERS_IMPORT)
  const noPeers = missing === '' ? {} : { notebook: missing, tuned: missing, compiled: missing }
  const why = device === 'cpu' ? 'on a CPU, compiling takes minutes' : '--no-compiled'
  return {
    root,
    temporary,
    kept: temporary,
    compiled: join(temporary, 'compiled'),
    data,
    folders: [data],
    quick,
    threads,
    device,
    precision: 'fp32',
    python: python.command,
    jemalloc: undefined,
    repeats: () => repeats,
    skip: { ...(compiled && device !== 'cpu' ? {} : { compiled: why }), ...noPeers },
    tell: (line) => tell(line.split('\n').map((each) => `  ${each}`).join('\n')),
  }
}
