import { joinRendezvous, RendezvousServer } from '../../../src/distributed/rendezvous.js'
import { ALONE, type Ranks } from '../../../src/distributed/ranks.js'
import type { Dataset } from '../../../src/datasets/dataset.js'
import { evalTransform } from '../../../src/augment/transforms.js'
import type { Batch } from '../../../src/loader/batch.js'
import { DataLoader } from '../../../src/loader/data-loader.js'
import type { TrainingEvent } from '../../../src/runs/events.js'
import type { TrainStepResult } from '../../../src/session/session.js'
import { EarlyStopping } from '../../../src/train/early-stopping.js'
import { fitAmong } from '../../../src/train/fit.js'
import { otherGpuNotes } from '../../../src/train/notes.js'
import { resolveOptions } from '../../../src/train/options/resolve.js'
import { checkBatchSize } from '../../../src/train/ranks/batch-size.js'
import { settingsOf } from '../../../src/train/resume/check-same.js'
import { numberedDataset } from '../../helpers/loader.js'
import { StandInSession } from '../../helpers/stand-in-session.js'

/** A stand-in whose sums are all ranks', as those of a session of a group are: an image's loss is its number. */
class ReducedSession extends StandInSession {
  readonly #ranks: Ranks

  constructor(ranks: Ranks, top1: readonly number[]) {
    super({ top1, val: [1, 1, 1, 1] })
    this.#ranks = ranks
  }

  override async trainStep(batch: Batch, options?: { readonly lr?: number }): Promise<TrainStepResult> {
    const own = await super.trainStep(batch, options)
    const loss = [...batch.indices].reduce((sum, index) => sum + index, 0)
    const all = await this.#ranks.gather('the gradients', { loss, images: own.images, correct: own.correct })
    const sum = (name: 'loss' | 'images' | 'correct'): number => all.reduce((total, each) => total + each[name], 0)
    return { ...own, loss: sum('loss'), images: sum('images'), correct: sum('correct') }
  }
}

async function inRanks<T>(worldSize: number, work: (ranks: Ranks) => Promise<T>): Promise<T[]> {
  if (worldSize === 1) return [await work(ALONE)]
  const server = await RendezvousServer.open('127.0.0.1')
  const others = Array.from({ length: worldSize - 1 }, (_, i) => joinRendezvous(i + 1, worldSize, '127.0.0.1', server.rendezvous))
  const all = await Promise.all([server.all(worldSize), ...others])
  try {
    return await Promise.all(all.map(work))
  } finally {
    for (const rank of all) rank.leave()
  }
}

interface Settings {
  readonly dataset?: Dataset
  readonly epochs?: number
  readonly top1?: readonly number[]
  readonly patience?: number
  /** Of a rank's own signal, at an event. */
  readonly stop?: { readonly rank: number; readonly at: (event: TrainingEvent) => boolean }
}

/** What each rank is told, without what a clock says. */
async function train(worldSize: number, { dataset, epochs = 2, top1 = [0.5, 1], patience, stop }: Settings = {}): Promise<object[][]> {
  const data = dataset ?? (await numberedDataset(22))
  return inRanks(worldSize, async (ranks) => {
    const options = { batchSize: 8, size: 8, transform: evalTransform(), shuffle: true, rank: ranks.rank, worldSize }
    const controller = new AbortController()
    const events: object[] = []
    const loop = fitAmong(ranks, new ReducedSession(ranks, top1), {
      train: new DataLoader(data, options), val: new DataLoader(data, { ...options, shuffle: false }), epochs, monitor: 'val/top1',
      signal: controller.signal, earlyStopping: patience === undefined ? undefined : new EarlyStopping({ patience, mode: 'max' }),
    })
    try {
      for await (const event of loop) {
        const { imagesPerSecond: _speed, seconds: _seconds, ...rest } = event as Record<string, unknown>
        events.push(rest)
        if (stop?.rank === ranks.rank && stop.at(event)) controller.abort()
      }
    } catch (error) {
      events.push({ error: (error as Error).name })
    }
    return events
  })
}

/** Some images of the numbered ones cannot be read. */
async function brokenAt(broken: readonly number[], length = 22): Promise<Dataset> {
  const dataset = await numberedDataset(length)
  return { ...dataset, get: async (index) => (broken.includes(index) ? { image: Buffer.from('no image'), label: 0 } : dataset.get(index)) }
}

const stepsOf = (events: readonly object[]): object[] => events.filter((event) => (event as TrainingEvent).type === 'step')

describe.each([2, 4])('%d ranks', (worldSize) => {
  test('take the steps of one process, and all are told the same', async () => {
    const [alone] = await train(1)
    const all = await train(worldSize)
    expect(stepsOf(alone!)).toHaveLength(6)
    for (const events of all) expect(stepsOf(events)).toEqual(stepsOf(alone!))
    for (const events of all) expect(events).toEqual(all[0])
  })

  test('stop early together', async () => {
    const all = await train(worldSize, { epochs: 5, patience: 1, top1: [1, 0] })
    for (const events of all) expect(events.at(-1)).toMatchObject({ type: 'stop', reason: 'early-stopping', epochs: 2 })
  })

  test('leave out the same broken images, each told of once, and take the mean over the others', async () => {
    const dataset = await brokenAt([3, 12, 13])
    const [alone] = await train(1, { dataset, epochs: 3, top1: [1, 1, 1] })
    const all = await train(worldSize, { dataset, epochs: 3, top1: [1, 1, 1] })
    const skipped = (events: readonly object[]): object[] => events.filter((event) => (event as TrainingEvent).type === 'image-skipped')
    const byPath = (events: readonly object[]): string[] => skipped(events).map((event) => (event as { path: string }).path).sort()
    expect(byPath(alone!)).toEqual(['12', '12', '13', '13', '3', '3']) // in training, and in scoring
    for (const events of all) expect([byPath(events), stepsOf(events)]).toEqual([byPath(alone!), stepsOf(alone!)])
  })

  test('leave out a batch that none of them can read an image of', async () => {
    const dataset = await brokenAt([0, 1, 2, 3, 4, 5, 6, 7], 8)
    for (const events of await train(worldSize, { dataset, epochs: 1, top1: [1] })) expect(stepsOf(events)).toEqual([])
  })

  test.each([0, 1])('stop after the same step when rank %d is told to', async (rank) => {
    const at = (event: TrainingEvent): boolean => event.type === 'step' && event.epoch === 2 && event.step === 1
    for (const events of await train(worldSize, { epochs: 3, top1: [1, 1, 1], stop: { rank, at } })) {
      expect(stepsOf(events)).toHaveLength(4)
      expect(events.slice(-2)).toEqual([expect.objectContaining({ type: 'stop', reason: 'aborted', epochs: 1 }), { error: 'AbortError' }])
    }
  })
})

test.each([[8, 2], [9, 3], [3, 1]])('a batch of %d is shared by %d', (batchSize, worldSize) => {
  expect(() => checkBatchSize({ batchSize }, { worldSize })).not.toThrow()
})

test.each([[10, 4, 'such as 8 or 12'], [7, 2, 'such as 6 or 8'], [3, 4, 'such as 4,']])('a batch of %d is not shared by %d: %s', (batchSize, worldSize, next) => {
  expect(() => checkBatchSize({ batchSize }, { worldSize })).toThrow(next)
})

test.each([
  [4, 'auto', 1, true], [2, 'cuda', 1, true], [4, 'cuda:1', 1, false], [1, 'auto', 1, false], [4, 'auto', 4, false],
] as const)('of %d GPUs and the device %s with a world size of %d: a line about the others is %s', (gpus, device, worldSize, said) => {
  expect(otherGpuNotes(gpus, device, worldSize)).toEqual(said ? [expect.stringContaining(`has ${gpus} GPUs`)] : [])
})

test('synchronized batch norm is kept with a position where it was asked for, and nothing of it else', () => {
  expect(settingsOf(resolveOptions({}))).not.toHaveProperty('syncBatchNorm')
  expect(settingsOf(resolveOptions({ syncBatchNorm: true }))).toHaveProperty('syncBatchNorm', true)
})
