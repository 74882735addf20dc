// One rank of a group, for the tests: rank.mjs JOB, a JSON that ranks.ts describes. Prints its answer as JSON.
import { readFileSync } from 'node:fs'
import { TextDecoder, TextEncoder } from 'node:util'

/** @typedef {import('../../src/session/process-group.js').ProcessGroup} ProcessGroup */
/** @typedef {import('./ranks.js').RankJob} RankJob */

const load = (/** @type {string} */ path) => import(new URL(`../../dist/${path}`, import.meta.url).href)
const [{ ProcessGroup }, { Session }, { hashTensors, readSafetensors }] = await Promise.all([
  load('session/process-group.js'), load('session/session.js'), load('formats/safetensors.js'),
])

const job = /** @type {RankJob} */ (JSON.parse(process.argv[2] ?? ''))
const { rank, worldSize } = job.group

/** This rank's share of a step's images. @param {import('./ranks.js').Step} step @param {Uint8Array} pixels */
function shareOf({ labels, size, shares }, pixels) {
  const [begin, end] = shares[rank] ?? [0, 0]
  const [count, bytes] = [end - begin, size * size * 3]
  return {
    size: count, step: 0, indices: new Int32Array(count), labels: Int32Array.from(labels.slice(begin, end)),
    images: {
      pixels: pixels.subarray(begin * bytes, end * bytes), shapes: new Int32Array(count * 2).fill(size),
      plans: Array.from({ length: count }, () => ({ geometry: [1, 0, 0, 0, 1, 0] })),
      output: size, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25],
    },
  }
}

/** Training steps of a model, each on this rank's share. @param {ProcessGroup} group @param {import('./ranks.js').TrainJob} given */
async function train(group, { syncBatchNorm = false, weights, watched, steps, reads, groups = [], first = 24, ...given }) {
  const optimizer = { ...given.options.optimizer, groups: groups.map((each) => ({ ...each, match: new RegExp(each.match) })) }
  const session = await Session.create({ ...given.options, optimizer }, { group, syncBatchNorm })
  // Rank 0 alone has the weights; the others get them of it.
  await session.loadStateDict(rank === 0 ? (await readSafetensors(weights)).tensors : new Map(), { strict: rank === 0 })
  const pixels = readFileSync(given.pixels)
  const results = []
  for (const [i, step] of steps.entries()) results.push(await session.trainStep(shareOf(step, pixels), { read: reads?.[i] ?? true }))
  const tensors = await session.stateDict()
  const state = watched.map((name) => Array.from(new Float32Array(tensors.get(name).data.slice().buffer)).slice(0, first))
  await session.dispose()
  return { results, state, digest: await hashTensors(tensors) }
}

/**
 * Waits for the victim, which ends in some way instead of coming.
 *
 * @param {ProcessGroup} group @param {import('./ranks.js').HoldJob} given
 */
async function hold(group, { victim, how, exitAfter }) {
  await group.barrier()
  if (rank !== victim) {
    if (exitAfter) setTimeout(() => process.exit(3), exitAfter)
    return group.barrier()
  }
  console.log('holding')
  if (how === 'abort') group.abort('the disk is full')
  if (how === 'exit') process.exit(0)
  // Of these, the one who waits for it ends it, or itself.
  if (how.startsWith('SIG')) await new Promise((resolve) => setTimeout(resolve, 60_000))
  if (how !== 'come late') return undefined
  await new Promise((resolve) => setTimeout(resolve, 3000))
  return group.barrier()
}

/** @param {ProcessGroup} group */
async function collectives(group) {
  await group.barrier()
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()]
  return {
    broadcast: decoder.decode(await group.broadcast(encoder.encode(`from ${rank}`), worldSize - 1)),
    gathered: (await group.allGather(encoder.encode('x'.repeat(rank * 3)))).map((bytes) => bytes.length),
    sum: [...(await group.allReduce(Float64Array.of(1, rank, 0.5)))],
  }
}

/** @param {ProcessGroup} group */
function perform(group) {
  if (job.task === 'train') return train(group, job)
  return job.task === 'hold' ? hold(group, job) : collectives(group)
}

try {
  const group = await ProcessGroup.join({ ...job.group, prefix: 'test', identity: job.identity ?? '', backend: 'gloo', device: 'cpu' })
  console.log(JSON.stringify((await perform(group)) ?? null))
  await group.leave()
} catch (error) {
  const { code, message } = /** @type {Error & { code: string }} */ (error)
  console.log(JSON.stringify({ error: { code, message } }))
  process.exitCode = 1
}
