import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { writeSafetensors } from '../../src/formats/safetensors.js'
import { Session } from '../../src/session/session.js'
import { loadAddon } from '../../src/addon/load.js'
import { answers, freePort, type RankJob, runRanks, startRank, type Step, type Trained, type TrainJob } from '../distributed/ranks.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { skip } from '../helpers/skip.js'
import { CLASSES, draw, formulaBatch, loadFormula } from '../parity/formula.js'
import { expectParity, furthest } from '../parity/rows.js'

const [COUNT, SIZE] = [8, 64]
const WATCHED = ['fc.bias', 'stem.0.weight', 'stem.1.running_mean', 'stem.1.running_var', 'trunk_output.block4.block4-0.proj.0.weight']
const BASE = { model: 'regnet_y_400mf', classes: CLASSES, device: 'cpu', precision: 'fp32', threads: 1 } as const
const FROZEN = { freeze: 'batch-norm-statistics' } as const
const even = (ranks: number): Step['shares'] => Array.from({ length: ranks }, (_, rank) => [(rank * COUNT) / ranks, ((rank + 1) * COUNT) / ranks])

interface Failure {
  readonly error: { readonly code: string; readonly message: string }
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
  await using session = await Session.create(BASE)
  await loadFormula(session)
  await writeSafetensors(join(folder.path, 'weights.safetensors'), await session.stateDict())
  await writeFile(join(folder.path, 'pixels'), Uint8Array.from(draw(`pictures ${SIZE}`, COUNT * SIZE * SIZE * 3), (integer) => integer >>> 24))
}, 120_000)
afterAll(() => folder[Symbol.asyncDispose]())

function job(options: Partial<TrainJob['options']>, shares: readonly Step['shares'][], rest: Partial<TrainJob> = {}): TrainJob {
  const labels = Array.from({ length: COUNT }, (_, i) => i % CLASSES)
  return {
    task: 'train', options: { ...BASE, ...options }, weights: join(folder.path, 'weights.safetensors'), pixels: join(folder.path, 'pixels'),
    steps: shares.map((each) => ({ labels, size: SIZE, shares: each })), watched: WATCHED, ...rest,
  }
}

/** The same steps by one process. */
async function alone(options: Partial<TrainJob['options']>, steps: number): Promise<Pick<Trained, 'results' | 'state'>> {
  await using session = await Session.create({ ...BASE, ...options })
  await loadFormula(session)
  const results = []
  for (let i = 0; i < steps; i++) results.push(await session.trainStep(formulaBatch(COUNT, SIZE)))
  const state = await session.stateDict()
  return { results, state: WATCHED.map((name) => [...new Float32Array(state.get(name)!.data.slice().buffer)].slice(0, 24)) }
}

describe('collectives', () => {
  test.each([2, 4])('%i ranks broadcast, gather and sum', async (ranks) => {
    const all = answers<{ broadcast: string; gathered: number[]; sum: number[] }>(await runRanks({ task: 'collectives' }, { ranks }))
    const each = Array.from({ length: ranks }, (_, rank) => rank)
    const expected = { broadcast: `from ${ranks - 1}`, gathered: each.map((rank) => rank * 3), sum: [ranks, each.reduce((a, b) => a + b), ranks / 2] }
    expect(all).toEqual(each.map(() => expected))
  })
})

/** Adam whose step is nearly the gradient, instead of its sign, which the last bit of a small one decides. */
const GRADIENT = { optimizer: { lr: 0.01, eps: 1 } } as const

/** Two steps of a group of one, with synchronized batch norm: by the same operators, where the last bit of a sum grows large soon. */
async function oneRank(options: Partial<TrainJob['options']>): Promise<Pick<Trained, 'results' | 'state'>> {
  const [trained] = answers<Trained>(await runRanks(job(options, [even(1), even(1)], { syncBatchNorm: true }), { ranks: 1 }))
  return trained!
}

test('synchronized batch norm on one rank is batch norm, to rounding', async () => {
  const [synced, own] = [await oneRank(GRADIENT), await alone({ ...GRADIENT, kernels: 'plain' }, 1)]
  const loss = own.results[0]!.loss
  expectParity('synchronized batch norm on one rank: the first loss', Math.abs(synced.results[0]!.loss - loss) / loss, 2e-5)
})

describe('training on several ranks is training on one, to rounding', () => {
  const weighted = { loss: { classWeights: Array.from({ length: CLASSES }, (_, i) => 0.5 + 0.25 * i), labelSmoothing: 0.1 } }
  test.each<[string, number, Partial<TrainJob['options']>, Step['shares'], boolean]>([
    ['2 ranks, running statistics frozen', 2, FROZEN, even(2), false],
    ['4 ranks, running statistics frozen', 4, FROZEN, even(4), false],
    ['shares of 5 and 3 images', 2, FROZEN, [[0, 5], [5, 8]], false],
    ['an empty share', 2, FROZEN, [[0, 8], [8, 8]], false],
    ['class weights and label smoothing, uneven shares', 2, { ...FROZEN, ...weighted }, [[0, 5], [5, 8]], false],
    ['the head alone', 2, { freeze: 'trunk' }, even(2), false],
    ['clipping by norm', 2, { ...FROZEN, clipNorm: 0.05 }, even(2), false],
    ['libtorch’s own kernels', 2, { ...FROZEN, kernels: 'plain' }, even(2), false],
    ['2 ranks, synchronized batch norm', 2, {}, even(2), true],
    ['4 ranks, synchronized batch norm', 4, {}, even(4), true],
    ['synchronized batch norm, uneven shares', 2, {}, [[0, 5], [5, 8]], true],
    ['synchronized batch norm, an empty share', 2, {}, [[0, 8], [8, 8]], true],
  ])('%s', async (title, ranks, options, shares, syncBatchNorm) => {
    const expected = syncBatchNorm ? await oneRank({ ...GRADIENT, ...options }) : await alone({ ...GRADIENT, ...options }, 2)
    const all = answers<Trained>(await runRanks(job({ ...GRADIENT, ...options }, [shares, shares], { syncBatchNorm }), { ranks }))
    const [tolerance, later] = syncBatchNorm ? [5e-6, 2e-2] : [1e-6, 1e-6]
    const [{ results, state }] = all as [Trained]
    const losses = results.map(({ loss }, i) => Math.abs(loss - expected.results[i]!.loss) / expected.results[i]!.loss)
    expectParity(`${title}: the first loss`, losses[0]!, tolerance)
    expectParity(`${title}: the second loss`, losses[1]!, later)
    expectParity(`${title}: parameters and statistics`, furthest(state.flat(), expected.state.flat()), later)
    expect(all.map((each) => each.digest)).toEqual(all.map(() => all[0]!.digest))
    expect(all.map((each) => each.results)).toEqual(all.map(() => results))
    const counted = results.map(({ images, steps, correct }) => [images, steps, correct])
    expect(counted).toEqual(expected.results.map(({ correct }) => [COUNT, 1, correct]))
    expect(results[1]!.loss).not.toBe(results[0]!.loss)
  }, 120_000)
})

test('with batch norm by rank, all ranks have rank 0’s running statistics after each step', async () => {
  const all = answers<Trained>(await runRanks(job({}, [even(2), even(2)]), { ranks: 2 }))
  expect(all[1]!.digest).toBe(all[0]!.digest)
  expect(all[0]!.state[2]).not.toEqual((await alone({}, 2)).state[2])
}, 120_000)

test('sums that were not read come with the next read, over all ranks', async () => {
  const shares: Step['shares'] = [[0, 5], [5, 8]]
  const [read, later] = await Promise.all([undefined, [false, false, true]].map(async (reads) =>
    answers<Trained>(await runRanks(job(FROZEN, [shares, shares, shares], { ...(reads && { reads }) }), { ranks: 2 }))))
  const sum = read![0]!.results.reduce((total, { loss }) => total + loss, 0)
  for (const { results } of later!) {
    expect(results.slice(0, 2).map(({ images }) => images)).toEqual([0, 0])
    expect(results[2]).toMatchObject({ steps: 3, images: 3 * COUNT })
    expect(results[2]!.loss).toBeCloseTo(sum, 4)
  }
}, 120_000)

test('bf16 trains on several ranks', async () => {
  if (!loadAddon().system().bf16) return
  const all = answers<Trained>(await runRanks(job({ precision: 'bf16' }, [even(2), even(2)]), { ranks: 2 }))
  const expected = await alone({ precision: 'bf16', ...FROZEN }, 1)
  expect(all[0]!.digest).toBe(all[1]!.digest)
  expect(Number.isFinite(all[0]!.results[1]!.loss + expected.results[0]!.loss)).toBe(true)
}, 120_000)
if (!loadAddon().system().bf16) skip('bf16 on several ranks', 'this processor has no bf16 instructions')

test('fp16: a step whose gradients overflow on one rank is skipped on all', async () => {
  const options = { precision: 'fp16', allowSlow: true, scaler: { initScale: 2 ** 20 }, ...FROZEN } as const
  const all = answers<Trained>(await runRanks(job(options, [even(2), even(2)]), { ranks: 2 }))
  const told = all.map(({ results }) => results.map(({ scale, skipped }) => [scale, skipped]))
  expect(told).toEqual([0, 1].map(() => [[2 ** 20, 0], [2 ** 19, 1]]))
  expect(all[1]!.digest).toBe(all[0]!.digest)
}, 120_000)

describe('ranks that do not meet end with the reason', () => {
  const group = { worldSize: 2, masterAddress: '127.0.0.1', timeoutSeconds: 3 }
  const failureOf = async (changes: Partial<RankJob['group']>): Promise<Failure['error']> => {
    const end = await startRank({ task: 'collectives', group: { ...group, rank: 1, serve: false, masterPort: await freePort(), ...changes } })
    expect(end.stderr).toBe('')
    return answers<Failure>([end])[0]!.error
  }

  test('where there is no store', async () => {
    const { code, message } = await failureOf({})
    expect([code, message]).toEqual(['ERR_DISTRIBUTED', expect.stringMatching(/^Rank 1 of 2 found no store at 127\.0\.0\.1:\d+ within 3 s\. Check MASTER_ADDR/)])
  })

  test('where the host has no such name', async () => {
    const { message } = await failureOf({ masterAddress: 'no-such-host.invalid' })
    expect(message).toMatch(/^Rank 1 of 2 found no store at no-such-host\.invalid:/)
  })

  test('where the port is in use', async () => {
    const server = createServer().listen(0, '::')
    await new Promise((resolve) => server.once('listening', resolve))
    const { message } = await failureOf({ rank: 0, serve: true, masterPort: (server.address() as { port: number }).port })
    server.close()
    expect(message).toMatch(/^Rank 0 of 2 could not listen on port \d+, where the ranks meet: another run or program may use it/)
  })

  test('where another rank does not come: it is named', async () => {
    const { message } = await failureOf({ rank: 0, serve: true })
    expect(message).toMatch(/^Rank 0 of 2 has waited 3 s at 127\.0\.0\.1:\d+ for rank 1, which has not come/)
  })

  test('where they are of different runs', async () => {
    const masterPort = await freePort()
    const start = (rank: number, identity: string): ReturnType<typeof startRank> =>
      startRank({ task: 'collectives', identity, group: { ...group, rank, serve: rank === 0, masterPort } })
    const errors = answers<Failure>(await Promise.all([start(0, 'version 1'), start(1, 'version 2')])).map(({ error }) => error.message)
    expect(errors.filter((message) => /is not of the run that meets at .*version \d.*the first one .*version \d/.test(message))).toHaveLength(1)
  })
})

describe('a rank that fails ends the others with its name', () => {
  const timeoutSeconds = 6
  const hold = (ranks: number, victim: number, how: string) =>
    runRanks({ task: 'hold', victim, how }, { ranks, timeoutSeconds }, Array.from({ length: ranks }, (_, rank) => ({ onOutput: (stdout, _, kill) => {
      if (rank === victim && how.startsWith('SIG') && stdout.includes('holding')) kill(how as NodeJS.Signals)
    } })))
  /** What the others said after the victim had ended. */
  const others = async (ranks: number, victim: number, how: string): Promise<readonly Failure['error'][]> => {
    const ends = await hold(ranks, victim, how)
    return ends.filter((_, rank) => rank !== victim).map(({ stdout }) => (JSON.parse(stdout.replace('holding\n', '')) as Failure).error)
  }

  test.each<[string, number, number, string, RegExp]>([
    ['killed', 2, 1, 'SIGKILL', /^Rank 1 has not been heard of for \d+ s: it was killed or stopped/],
    ['killed, one of three', 3, 2, 'SIGKILL', /^Rank 2 has not been heard of for \d+ s/],
    ['killed, the one that hosts the store', 2, 0, 'SIGKILL', /^The store at 127\.0\.0\.1:\d+ is gone/],
    ['failed for a reason of its own', 3, 1, 'abort', /^Rank 1 ended: the disk is full$/],
    ['ended by process.exit', 2, 1, 'exit', /^Rank 1 ended: its process ended$/],
    ['left before the others', 2, 1, 'leave', /^Rank 1 has left the group$/],
  ])('%s', async (_, ranks, victim, how, expected) => {
    const errors = await others(ranks, victim, how)
    expect(errors).toHaveLength(ranks - 1)
    for (const { code, message } of errors) {
      expect(code).toBe('ERR_DISTRIBUTED')
      expect(message).toMatch(expected)
    }
  }, 60_000)

  test('stopped: it is named within the time-out', async () => {
    let stopped: ((signal: NodeJS.Signals) => void) | undefined
    const ends = await runRanks({ task: 'hold', victim: 1, how: 'SIGSTOP' }, { ranks: 2, timeoutSeconds }, [
      { onOutput: (stdout) => stdout.includes('error') && stopped?.('SIGKILL') },
      { onOutput: (stdout, _, kill) => {
        if (stdout.includes('holding')) (stopped = kill)('SIGSTOP')
      } },
    ])
    expect(answers<Failure>(ends.slice(0, 1))[0]!.error.message).toMatch(/^Rank 1 has not been heard of for \d+ s: it was killed or stopped/)
  }, 60_000)

  test('a process that waits for the others ends when it is told to, long before the time-out', async () => {
    const ends = await runRanks({ task: 'hold', victim: 1, how: 'come late', exitAfter: 500 }, { ranks: 2, timeoutSeconds: 600 })
    expect(ends[0]).toMatchObject({ code: 3, signal: null, stderr: '' })
    expect(ends[1]!.stdout).toContain('Rank 0 ended: its process ended')
  }, 60_000)
})
