import type { CheckpointWriter, SavedFile } from '../../../src/runs/checkpoint-store.js'
import type { ModelMetadata, TrainingMetadata } from '../../../src/runs/model-metadata.js'
import { BackgroundSaves } from '../../../src/train/background-saves.js'
import { fit } from '../../../src/train/fit.js'
import { numberedLoader } from '../../helpers/loader.js'
import { StandInSession } from '../../helpers/stand-in-session.js'
import { until } from '../../helpers/until.js'

/** A store whose writes end when they are let. */
function slowStore() {
  const begun: { readonly name: string; readonly epoch: number; readonly end: () => void; readonly fail: (error: Error) => void }[] = []
  let released = false
  const save = (name: string, { position, metrics }: Partial<TrainingMetadata>): Promise<SavedFile> =>
    new Promise((resolve, reject) => {
      const end = (): void => resolve({ file: `${name}.safetensors`, bytes: 1 })
      begun.push({ name, epoch: position?.epoch ?? metrics?.epoch ?? 0, end, fail: reject })
      if (released) end()
    })
  const release = (): void => {
    released = true
    for (const { end } of begun) end()
  }
  const store: CheckpointWriter = { saveLast: (_, metadata) => save('last', metadata), saveBest: (_, metadata) => save('best', metadata) }
  return { begun, release, store }
}

const last = (epoch: number) => ({ position: { epoch, step: 0, appliedSteps: 0, images: 0 } }) as unknown as TrainingMetadata
const best = (epoch: number) => ({ metrics: { epoch, loss: 1, top1: 1, count: 1 } }) as unknown as ModelMetadata
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}
const list = (begun: readonly { readonly name: string; readonly epoch: number }[]): string[] => begun.map(({ name, epoch }) => `${name} ${epoch}`)

describe('BackgroundSaves', () => {
  test('writes one file at a time, last before the best that it tells of', async () => {
    const { begun, store } = slowStore()
    const saves = new BackgroundSaves(store)
    await saves.snapshot(new StandInSession(), last(1), best(1))
    await turns()
    expect(list(begun)).toEqual(['last 1'])
    expect([...saves.written()]).toEqual([])
    begun[0]?.end()
    await turns()
    expect(list(begun)).toEqual(['last 1', 'best 1'])
    expect([...saves.written()]).toEqual([{ type: 'checkpoint', epoch: 1, step: 0, file: 'last.safetensors', bytes: 1 }])
    expect([saves.busy, saves.lastGood]).toEqual([true, { file: 'last.safetensors', epoch: 1, step: 0 }])
    begun[1]?.end()
    await saves.finish()
    expect(saves.busy).toBe(false)
  })

  test.each([
    ['a newer state', [[2], [3]], ['last 1', 'last 3']],
    ['a newer best', [[2, 'best'], [3, 'best']], ['last 1', 'last 3', 'best 3']],
    ['but a best that is not beaten is kept', [[2, 'best'], [3], [4]], ['last 1', 'last 2', 'best 2', 'last 4']],
  ] as const)('what waits gives way to %s', async (_, taken, written) => {
    const { begun, store } = slowStore()
    const saves = new BackgroundSaves(store)
    const session = new StandInSession()
    await saves.snapshot(session, last(1))
    await turns()
    for (const [epoch, improved] of taken) await saves.snapshot(session, last(epoch), improved && best(epoch))
    for (let i = 0; i < written.length; i++) {
      begun[i]?.end()
      await turns()
    }
    await saves.finish()
    expect(list(begun)).toEqual(written)
  })

  test('writes what the state was when it was taken', async () => {
    const { begun, store } = slowStore()
    let saved: Promise<unknown> | undefined
    const saves = new BackgroundSaves({
      ...store,
      saveLast: (state, metadata) => ((saved ??= state.stateDict()), store.saveLast(state, metadata)),
    })
    const session = new StandInSession()
    await saves.snapshot(session, last(1))
    session.stateDict = () => Promise.reject(new Error('asked again'))
    await turns()
    begun[0]?.end()
    await saves.finish()
    expect(await saved).toBeInstanceOf(Map)
  })

  test('a write that fails is thrown by the next call of written, after the events of what had been written', async () => {
    const { begun, store } = slowStore()
    const saves = new BackgroundSaves(store)
    await saves.snapshot(new StandInSession(), last(1), best(1))
    await turns()
    begun[0]?.end()
    await turns()
    begun[1]?.fail(new Error('full'))
    await saves.finish()
    const events = saves.written()
    expect(events.next().value).toMatchObject({ file: 'last.safetensors' })
    expect(() => events.next()).toThrow('full')
  })
})

describe('fit, while a file is written', () => {
  test('goes on with its steps, and tells of the file when it is there', async () => {
    const { begun, release, store } = slowStore()
    const types: string[] = []
    for await (const { type } of fit(new StandInSession(), {
      train: await numberedLoader(8), val: await numberedLoader(4), epochs: 3, checkpoints: store,
    })) {
      types.push(type)
      if (types.filter((told) => told === 'step').length !== 6 || begun.length > 1) continue
      expect(list(begun)).toEqual(['last 1'])
      release()
    }
    expect(types.indexOf('checkpoint')).toBeGreaterThan(types.lastIndexOf('step'))
    expect([list(begun)[0], list(begun).at(-1)]).toEqual(['last 1', 'last 3'])
  })

  test.each(['return', 'throw'] as const)('does not end before it is written: by %s', async (how) => {
    const { begun, release, store } = slowStore()
    const session = new StandInSession()
    if (how === 'throw') session.trainStep = async (...args) => (session.steps.length === 3 ? Promise.reject(new Error('broken')) : StandInSession.prototype.trainStep.apply(session, args))
    let ended = false
    // In epoch 2 all images are decoded, so nothing but the write is left to wait for.
    const finish = (async () => {
      const loaders = { train: await numberedLoader(8), val: await numberedLoader(4) }
      for await (const { type, ...rest } of fit(session, { ...loaders, epochs: 3, checkpoints: store })) {
        if (how === 'return' && type === 'step' && (rest as { epoch?: number }).epoch === 2) break
      }
    })().catch(() => {}).finally(() => (ended = true))
    await until('the second epoch has begun and a write too', () => session.steps.length === 3 && begun.length > 0)
    for (let i = 0; i < 10; i++) await turns()
    expect(ended).toBe(false)
    release()
    await finish
    expect(list(begun).slice(0, 2)).toEqual(['last 1', 'best 1'])
  })

  test('ends with the error of a write that fails', async () => {
    const full = () => Promise.reject(new Error('full'))
    const store: CheckpointWriter = { saveLast: full, saveBest: full }
    const session = new StandInSession()
    const run = async (): Promise<void> => {
      for await (const _ of fit(session, { train: await numberedLoader(8), val: await numberedLoader(4), epochs: 50, checkpoints: store }));
    }
    await expect(run()).rejects.toThrow('full')
    expect(session.steps.length).toBeLessThan(50)
  })
})
