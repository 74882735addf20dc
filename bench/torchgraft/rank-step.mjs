import { load, torchgraft } from './library.mjs'
import { readBatches } from './ready-batches.mjs'

/** @typedef {import('../../src/session/session.js').Session} Session */
/** @typedef {import('../../src/session/process-group.js').ProcessGroup} Group */
/** @typedef {import('./train-step.mjs').Params} Params of the whole batch */

const [{ ProcessGroup }, { rankEnvironment }, { Session }] = await Promise.all([
  load('session/process-group.js'), load('distributed/rank-environment.js'), load('session/session.js'),
])

const TIMEOUT_SECONDS = 120

/** Steps on this rank's share of ready batches: with the other ranks, and as if there were none. @param {Params} params */
export async function begin(params) {
  const { batch, firstSteps, steps } = params
  const environment = rankEnvironment()
  const { rank, worldSize } = environment ?? { rank: 0, worldSize: 1 }
  const shares = await readBatches({ ...params, batch: batch / worldSize })
  const batches = shares.filter((_, i) => i % worldSize === rank)
  const group = environment && await join(environment)
  const together = await openSession(params, group)
  const alone = group && await openSession(params)
  let step = 0
  const next = (/** @type {Session} */ session) =>
    session.trainStep(/** @type {import('../../src/index.js').Batch} */ (batches[step++ % batches.length]))
  const losses = []
  for (let i = 0; i < firstSteps; i++) losses.push((await next(together)).loss / batch)
  if (alone) await next(alone)
  const secondsOf = async (/** @type {Session} */ session) => {
    const began = performance.now()
    for (let i = 0; i < steps; i++) await next(session)
    return (performance.now() - began) / 1000 / steps
  }
  return {
    facts: {
      how: [together.precision, together.memoryFormat, 'fused Adam', ...(group ? ['c10d by Gloo'] : [])].join(', '),
      precision: together.precision,
      losses,
      images: params.labels.length,
    },
    async run() {
      const before = group?.traffic.bytes ?? 0
      const seconds = await secondsOf(together)
      const bytes = ((group?.traffic.bytes ?? 0) - before) / steps
      return { seconds, bytes, alone: alone ? await secondsOf(alone) : seconds }
    },
  }
}

/** @param {import('../../src/distributed/rank-environment.js').RankEnvironment} environment @returns {Promise<Group>} */
function join({ rank, worldSize, masterAddress, masterPort }) {
  return ProcessGroup.join({
    rank, worldSize, masterAddress, masterPort, serve: rank === 0, prefix: 'bench', identity: 'bench', timeoutSeconds: TIMEOUT_SECONDS,
    backend: 'gloo', device: 'cpu',
  })
}

/** @param {Params} params @param {Group} [group] @returns {Promise<Session>} */
async function openSession({ model, classes, threads, lr, own: precision, weights }, group) {
  const options = { model, classes, threads, device: 'cpu', precision, memoryFormat: 'channels_last', optimizer: { type: 'adam', lr } }
  /** @type {Session} */
  const session = await Session.create(options, group && { group, syncBatchNorm: false })
  await session.loadStateDict((await torchgraft.readTorchCheckpoint(weights)).model)
  return session
}
