import { readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointStore } from '../../../src/runs/checkpoint-store.js'
import type { BestEpoch } from '../../../src/metrics/metrics.js'
import { reconcileBest } from '../../../src/train/resume/reconcile-best.js'
import { trainingMetadata } from '../../helpers/files/checkpoint.js'
import { StandInSession } from '../../helpers/stand-in-session.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const session = new StandInSession()
const bestOf = (epoch: number): BestEpoch => ({ epoch, metrics: { loss: 1 / epoch, top1: epoch / 10, count: 4 }, value: epoch / 10 })

/** A folder whose `last` is of `epoch` and `step` and names the epoch `named` as the best, and `best` is of `found`. */
async function folderWith(path: string, { epoch, step = 0, named, found }: {
  readonly epoch: number
  readonly step?: number
  readonly named: number | null
  readonly found: number | null
}) {
  const store = await CheckpointStore.open(path)
  const { position, scaler: _, running, patience, best: __, ...model } = trainingMetadata(0)
  const origin = { data: { fingerprint: 'f', train: 3, val: 1 }, weights: null }
  if (found !== null) await store.saveBest(session, { ...model, metrics: { epoch: found, ...bestOf(found).metrics }, ...origin })
  await store.saveLast(session, {
    ...model, ...origin, position: { ...position, epoch, step }, running, best: named === null ? null : bestOf(named), patience,
  })
  return store
}

const reconcile = async (store: CheckpointStore, monitor: 'val/top1' | 'train/loss' = 'val/top1') => reconcileBest(store, store, (await store.last())!, monitor)

describe('reconcileBest', () => {
  test('has nothing to do where both agree, or there is no best yet', async () => {
    await using folder = await temporaryFolder()
    expect(await reconcile(await folderWith(join(folder.path, 'a'), { epoch: 3, step: 2, named: 2, found: 2 }))).toEqual({ best: bestOf(2), notes: [] })
    expect(await reconcile(await folderWith(join(folder.path, 'b'), { epoch: 0, step: 2, named: null, found: null }))).toEqual({ best: null, notes: [] })
  })

  test.each([['is of an epoch before', 1], ['is not there', null]])('a best that %s is written from last, which ends the best epoch: the very bytes', async (_, found) => {
    await using folder = await temporaryFolder()
    await folderWith(join(folder.path, 'whole'), { epoch: 2, named: 2, found: 2 })
    const store = await folderWith(join(folder.path, 'cut'), { epoch: 2, named: 2, found })
    const { best, notes } = await reconcile(store)
    expect(best).toEqual(bestOf(2))
    expect(notes).toEqual(['best.safetensors is written again from last.safetensors, which has the best model: that of epoch 2.'])
    const read = (run: string) => readFile(join(folder.path, run, 'best.safetensors'))
    expect((await read('cut')).equals(await read('whole'))).toBe(true)
  })

  test('a best that is damaged is written anew where last has it, and looked for anew where it has not', async () => {
    await using folder = await temporaryFolder()
    const here = await folderWith(join(folder.path, 'here'), { epoch: 2, named: 2, found: 2 })
    await truncate(join(here.folder, 'best.safetensors'), 300)
    expect(await reconcile(here)).toMatchObject({ best: bestOf(2), notes: [expect.stringMatching(/cut short\. best\.safetensors is written again/)] })
    expect((await here.best()).metadata.metrics?.epoch).toBe(2)

    const past = await folderWith(join(folder.path, 'past'), { epoch: 2, step: 1, named: 2, found: 2 })
    await truncate(join(past.folder, 'best.safetensors'), 300)
    expect(await reconcile(past)).toMatchObject({ best: null, notes: [expect.stringContaining('The best epoch is the best of those from here on.')] })
    await rm(join(past.folder, 'best.safetensors'))
    expect(await reconcile(past)).toMatchObject({ best: null, notes: ['best.safetensors is missing. The best epoch is the best of those from here on.'] })
  })

  test('a best of a later epoch, where last fell back, stands until it is beaten', async () => {
    await using folder = await temporaryFolder()
    const store = await folderWith(folder.path, { epoch: 2, step: 1, named: 2, found: 4 })
    expect(await reconcile(store)).toEqual({ best: bestOf(4), notes: ['best.safetensors is from epoch 4, but for last.safetensors the best is epoch 2: it is kept until an epoch is better.'] })
    expect(await reconcile(store, 'train/loss')).toMatchObject({ best: bestOf(2), notes: [expect.stringContaining('the next best epoch replaces it')] }) // a model file does not tell how it learned
  })
})
