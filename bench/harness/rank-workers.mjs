import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Worker } from './worker.mjs'

/** @typedef {import('../types.d.mts').Facts} Facts */
/** @typedef {import('../types.d.mts').Sample} Sample */
/** @typedef {import('../types.d.mts').Runner} Runner */

/**
 * The ranks of one side, each a worker of its own, as one runner: what they are asked for all do at once.
 *
 * @implements {Runner}
 */
export class RankWorkers {
  #program
  #ranks
  #combine
  /** @type {Worker[]} */
  #workers = []

  /**
   * @param {import('./children.mjs').Program} program
   * @param {number} ranks
   * @param {(samples: readonly Sample[]) => Sample} combine what each rank measured, into one
   */
  constructor(program, ranks, combine) {
    this.#program = program
    this.#ranks = ranks
    this.#combine = combine
  }

  /** @param {string} task @param {object} params @returns {Promise<Facts>} of rank 0 */
  async begin(task, params) {
    const port = await freePort()
    this.#workers = Array.from({ length: this.#ranks }, (_, rank) =>
      new Worker({ ...this.#program, env: { ...this.#program.env, ...rankVariables(rank, this.#ranks, port) } }))
    const facts = await Promise.all(this.#workers.map((worker) => worker.begin(task, params)))
    return /** @type {Facts} */ (facts[0])
  }

  /** @param {object} [params] */
  async run(params) {
    return this.#combine(await Promise.all(this.#workers.map((worker) => worker.run(params))))
  }

  async close() {
    await Promise.all(this.#workers.map((worker) => worker.close()))
  }
}

/**
 * What torchrun would set, and the loopback interface, which PyTorch else looks for by the machine's name.
 *
 * @param {number} rank @param {number} ranks @param {number} port @returns {Record<string, string>}
 */
function rankVariables(rank, ranks, port) {
  const loopback = Object.entries(networkInterfaces()).find(([, addresses]) => addresses?.some(({ internal }) => internal))?.[0]
  return {
    RANK: String(rank), LOCAL_RANK: String(rank), WORLD_SIZE: String(ranks), LOCAL_WORLD_SIZE: String(ranks),
    MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(port),
    ...(loopback !== undefined && { GLOO_SOCKET_IFNAME: loopback }),
  }
}

/** One that was free a moment ago. @returns {Promise<number>} */
async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  await new Promise((resolve) => server.close(resolve))
  return port
}
