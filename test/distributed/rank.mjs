// One rank of a group, for the tests: rank.mjs JOB, a JSON that ranks.ts describes. Prints its answer as JSON.
import { readFileSync } from 'node:fs'

process.env.TORCH_CPP_LOG_LEVEL ??= 'ERROR'
const load = (/** @type {string} */ path) => import(new URL(`../../dist/${path}`, import.meta.url).href)
const [{ ProcessGroup }, { Session }, { readSafetensors }] = await Promise.all([
  load('session/process-group.js'), load('session/session.js'), load('formats/safetensors.js'),
])

const job = JSON.parse(process.argv[2] ?? '')
const { rank, worldSize } = job.group

/** This rank's share of a step's images. */
function shareOf({ pixels, labels, size, shares }) {
  const [begin, end] = shares[rank]
  const count = end - begin
  const bytes = size * size * 3
  return {
    size: count, step: 0, indices: new Int32Array(count), labels: Int32Array.from(labels.slice(begin, end)),
    images: {
      pixels: pixels.subarray(begin * bytes, end * bytes), shapes: new Int32Array(count * 2).fill(size),
      plans: Array.from({ length: count }, () => ({ geometry: [1, 0, 0, 0, 1, 0] })), output: size, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25],
    },
  }
}

/** @type {Record<string, (group: any) => Promise<unknown>>} */
const TASKS = {
  // Training steps of a model, each on this rank's share.
  async train(group) {
    const { syncBatchNorm, weights, watched, steps, reads } = job
    const groups = (job.groups ?? []).map((each) => ({ ...each, match: new RegExp(each.match) }))
    const options = { ...job.options, optimizer: { ...job.options.optimizer, groups } }
    const session = await Session.create(options, { group, syncBatchNorm: syncBatchNorm === true })
    if (weights) {
      const file = await readSafetensors(weights)
      await session.loadStateDict(file.tensors)
    }
    const pixels = readFileSync(job.pixels)
    const results = []
    for (const [i, step] of steps.entries()) results.push(await session.trainStep(shareOf({ ...step, pixels }), { read: reads?.[i] ?? true }))
    const state = await session.stateDict()
    const numbers = watched.map((name) => Array.from(new Float32Array(state.get(name).data.slice().buffer)).slice(0, job.first ?? 24))
    const answer = { results, state: numbers, digest: await digestOf(state) }
    await session.dispose()
    return answer
  },
  async hold(group) {
    const { victim, how } = job
    await group.barrier()
    if (rank !== victim) {
      if (job.exitAfter) setTimeout(() => process.exit(3), job.exitAfter)
      return group.barrier()
    }
    console.log('holding')
    if (how === 'wait') {
      await new Promise((resolve) => setTimeout(resolve, 3000))
      return group.barrier()
    }
    if (how.startsWith('SIG')) await new Promise((resolve) => setTimeout(resolve, 60_000))
    return WAYS[how](group)
  },
  async collectives(group) {
    await group.barrier()
    const mine = new TextEncoder().encode('x'.repeat(rank * 3))
    return {
      broadcast: new TextDecoder().decode(await group.broadcast(new TextEncoder().encode(`from ${rank}`), worldSize - 1)),
      gathered: (await group.allGather(mine)).map(({ length }) => length),
      sum: [...(await group.allReduce(Float64Array.of(1, rank, 0.5)))],
    }
  },
}

/** Waits for the victim, which ends in some way instead of coming. @type {Record<string, (group: any) => unknown>} */
const WAYS = {
  abort: (group) => group.abort('the disk is full'),
  exit: () => process.exit(0),
  leave: () => undefined,
}

async function digestOf(state) {
  const { createHash } = await import('node:crypto')
  const hash = createHash('sha256')
  for (const [name, { data }] of state) hash.update(name).update(data)
  return hash.digest('hex')
}

try {
  const group = await ProcessGroup.join({ ...job.group, prefix: 'test', identity: job.identity ?? '', backend: 'gloo', device: 'cpu' })
  console.log(JSON.stringify((await TASKS[job.task](group)) ?? null))
  await group.leave()
} catch (error) {
  console.log(JSON.stringify({ error: { code: error.code, message: error.message } }))
  process.exitCode = 1
}
