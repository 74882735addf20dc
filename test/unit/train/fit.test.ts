import type { CheckpointWriter } from '../../../src/runs/checkpoint-store.js'
import type { ModelMetadata, TrainingMetadata } from '../../../src/runs/model-metadata.js'
import { TorchgraftError } from '../../../src/errors.js'
import { EarlyStopping } from '../../../src/train/early-stopping.js'
import type { TrainingEvent } from '../../../src/runs/events.js'
import { fit } from '../../../src/train/fit.js'
import type { FitOptions } from '../../../src/train/fit-options.js'
import { warmupCosine } from '../../../src/recipes/schedules.js'
import { collect, numberedLoader } from '../../helpers/loader.js'
import { type Script, StandInSession } from '../../helpers/stand-in-session.js'

type Save = { readonly name: 'best' | 'last'; readonly metadata: ModelMetadata | TrainingMetadata }

/** Eight images in two steps an epoch, four in one batch to score. */
async function run(script: Script, options: Partial<FitOptions> = {}) {
  const session = new StandInSession(script)
  const saves: Save[] = []
  const save = async (name: 'best' | 'last', metadata: Save['metadata']) => (saves.push({ name, metadata }), { file: `${name}.safetensors`, bytes: 1 })
  const checkpoints: CheckpointWriter = {
    saveLast: (_, metadata) => save('last', { ...metadata, scaler: { scale: 1, growthTracker: 0 } }),
    saveBest: (_, metadata) => save('best', metadata),
  }
  const train = await numberedLoader(8, { shuffle: true })
  const val = await numberedLoader(4)
  const events: TrainingEvent[] = []
  const finish = async (): Promise<void> => {
    for await (const event of fit(session, { train, val, epochs: 3, checkpoints, ...options })) events.push(event)
  }
  return { session, saves, events, finish }
}

/** Eight images, the third of which cannot be read. */
async function brokenLoader() {
  const loader = await numberedLoader(8)
  const get = loader.dataset.get.bind(loader.dataset)
  loader.dataset.get = (i) => (i === 2 ? Promise.resolve({ image: Buffer.from('no'), label: 0 }) : get(i))
  return loader
}

const types = (events: readonly TrainingEvent[]): string[] => events.map(({ type }) => type)
const lastSave = (saves: readonly Save[]): TrainingMetadata => saves.filter(({ name }) => name === 'last').at(-1)?.metadata as TrainingMetadata

describe('fit', () => {
  test('tells of each step and epoch in order, from 1, with means over images', async () => {
    const script = { train: [3, 1, 2, 2, 1, 1], val: [5, 4, 6], top1: [0, 0.5, 0.25] }
    const { events, finish } = await run(script, { epochs: 2, schedule: warmupCosine({ lr: 1, steps: 4, warmup: 2 }) })
    await finish()
    expect(types(events).filter((type) => type !== 'checkpoint')).toEqual(['start', 'step', 'step', 'epoch', 'step', 'step', 'epoch', 'stop'])
    expect(events.filter(({ type }) => type === 'checkpoint')).toEqual([1, 2].flatMap((epoch) => ['last', 'best'].map((name) => ({ type: 'checkpoint', epoch, step: 0, file: `${name}.safetensors`, bytes: 1 }))))
    expect(events[1]).toMatchObject({ epoch: 1, step: 1, loss: 3, lr: 0.5, scale: 1 })
    expect(events[2]).toMatchObject({ epoch: 1, step: 2, loss: 1, lr: 1 })
    expect(events.find(({ type }) => type === 'epoch')).toMatchObject({
      epoch: 1, train: { loss: 2, top1: 1 }, val: { loss: 5, top1: 0, count: 4 }, improved: true,
    })
    expect(events.at(-1)).toEqual({ type: 'stop', reason: 'completed', epochs: 2, best: { epoch: 2, metrics: { loss: 4, top1: 0.5, count: 4 } } })
  })

  test('without a schedule, steps have the session’s learning rate', async () => {
    const { session, finish } = await run({}, { epochs: 1 })
    await finish()
    expect(session.steps.map(({ lr }) => lr)).toEqual([0.1, 0.1])
  })

  test('saves best on improvement only, and last after every epoch', async () => {
    const { saves, finish } = await run({ val: [5, 6, 4] })
    await finish()
    expect(saves.map(({ name }) => name)).toEqual(['last', 'best', 'last', 'last', 'best'])
    expect(saves[1]?.metadata).toMatchObject({ model: 'regnet_y_400mf', classes: ['even', 'odd'], size: 8, resize: { shorterSide: 9, crop: 8 }, metrics: { epoch: 1, loss: 5, count: 4 } })
    expect(lastSave(saves)).toMatchObject({
      position: { epoch: 3, step: 0, appliedSteps: 6, images: 24 }, running: { images: 0 }, best: { epoch: 3, value: 4 },
    })
  })

  test('a validation set that gives a loader for each epoch: a file tells the size that its model was scored at', async () => {
    const loaders = [await numberedLoader(4, { size: 4 }), await numberedLoader(4, { size: 8 })]
    const { saves, finish } = await run({ val: [5, 4] }, { epochs: 2, val: (epoch) => loaders[epoch]! })
    await finish()
    expect(saves.map(({ name, metadata: { size, resize } }) => [name, size, resize.crop])).toEqual([['last', 4, 4], ['best', 4, 4], ['last', 8, 8], ['best', 8, 8]])
  })

  test('a run that is over asks for no loader beyond its last epoch, and what is no loader is refused', async () => {
    const loaders = [await numberedLoader(4)]
    const first = await run({}, { epochs: 1, val: (epoch) => loaders[epoch]! })
    await first.finish()
    const over = await run({}, { epochs: 1, val: (epoch) => loaders[epoch]!, resume: { from: 'last.safetensors', metadata: lastSave(first.saves) } })
    await over.finish()
    expect(types(over.events)).toEqual(['start', 'resume', 'stop'])
    await expect((await run({}, { epochs: 1, val: () => 7 as never })).finish()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
  })

  test('stops early by what it monitors', async () => {
    const { events, finish } = await run({ top1: [0.5, 0.25, 0.25, 0.25] }, { epochs: 9, monitor: 'val/top1', earlyStopping: new EarlyStopping({ patience: 2, mode: 'max' }) })
    await finish()
    expect(events.at(-1)).toMatchObject({ reason: 'early-stopping', epochs: 3, best: { epoch: 1 } })
  })

  test('early stopping that looks the wrong way is refused', async () => {
    const { finish } = await run({}, { monitor: 'val/top1', earlyStopping: new EarlyStopping() })
    await expect(finish()).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringContaining("mode 'max'") })
  })

  test('trains only as far as it is iterated', async () => {
    const session = new StandInSession()
    for await (const event of fit(session, { train: await numberedLoader(8), val: await numberedLoader(4), epochs: 9 })) if (event.type === 'step') break
    expect(session.steps).toHaveLength(1)
  })

  test.each([1, 2, 3, 4, 5])('interrupted after step %d and resumed, it takes the very steps of the run that was not', async (stopAt) => {
    const script = { train: [6, 5, 4, 3, 2, 1], val: [3, 4, 2], top1: [0.5, 0.25, 0.75] }
    const schedule = warmupCosine({ lr: 1, steps: 6, warmup: 2 })
    const unbroken = await run(script, { schedule, earlyStopping: new EarlyStopping({ patience: 2 }) })
    await unbroken.finish()

    const controller = new AbortController()
    const first = await run(script, { schedule, signal: controller.signal, earlyStopping: new EarlyStopping({ patience: 2 }) })
    const trainStep = first.session.trainStep.bind(first.session)
    first.session.trainStep = (...args) => {
      if (first.session.steps.length + 1 === stopAt) controller.abort(new Error('stop'))
      return trainStep(...args)
    }
    await expect(first.finish()).rejects.toThrow('stop')
    expect(first.events.at(-1)).toMatchObject({ type: 'stop', reason: 'aborted' })

    const metadata = JSON.parse(JSON.stringify(lastSave(first.saves))) as TrainingMetadata
    const scored = first.events.filter(({ type }) => type === 'epoch').length
    const rest = { train: script.train.slice(stopAt), val: script.val.slice(scored), top1: script.top1.slice(scored) }
    const second = await run(rest, { schedule, resume: { from: 'last.safetensors', metadata }, earlyStopping: new EarlyStopping({ patience: 2 }) })
    await second.finish()
    expect([...first.session.steps, ...second.session.steps]).toEqual(unbroken.session.steps)
    expect(second.events[1]).toMatchObject({ type: 'resume', from: 'last.safetensors' })
    const epochs = (events: readonly TrainingEvent[]) => events.flatMap((event) => (event.type === 'epoch' ? [{ ...event, seconds: 0 }] : []))
    expect([...epochs(first.events), ...epochs(second.events)]).toEqual(epochs(unbroken.events))
    expect(lastSave(second.saves)).toEqual(lastSave(unbroken.saves))
  })

  test('a run that is over does nothing more when resumed', async () => {
    const whole = await run({})
    await whole.finish()
    const again = await run({}, { resume: { from: 'last.safetensors', metadata: lastSave(whole.saves) } })
    await again.finish()
    expect(types(again.events)).toEqual(['start', 'resume', 'stop'])
    expect(again.events[1]).toMatchObject({ finished: true })
    expect(again.session.steps).toEqual([])
  })

  test('three losses in a row that are not finite stop the run, naming the first, its images and the last good file; nothing is saved between', async () => {
    const script = { train: [1, 1, 1, Number.NaN, Infinity, Number.NaN], val: [2, 1], top1: [0.5, 1] }
    const { events, saves, finish } = await run(script, { saveEveryMinutes: 1e-9 })
    await expect(finish()).rejects.toMatchObject({
      code: 'ERR_NOT_FINITE',
      message: expect.stringMatching(
        /The loss is not finite \(NaN or infinite\) in epoch 2, step 2, and in the 2 steps after it\. Images of that step: image \d, image \d, image \d, image \d\. The last good state is last\.safetensors, from epoch 2, step 1\./,
      ),
    })
    expect(lastSave(saves).position).toMatchObject({ epoch: 1, step: 1 })
    expect(events.filter(({ type }) => type === 'not-finite')).toMatchObject([{ epoch: 2, step: 2, images: expect.any(Array) }, { epoch: 3, step: 1 }, { epoch: 3, step: 2 }])
    expect(events.at(-1)).toMatchObject({ type: 'not-finite' }) // what was saved had been told before
  })

  test('fewer than that do not, and spoil no mean', async () => {
    const { events, finish } = await run({ train: [1, Number.NaN, Number.NaN, 1, 1, 1] })
    await finish()
    expect(events.filter(({ type }) => type === 'not-finite')).toHaveLength(2)
    expect(events.flatMap((event) => (event.type === 'epoch' ? [event.train.loss] : []))).toEqual([1, 1, 1])
    expect(events.at(-1)).toMatchObject({ type: 'stop', reason: 'completed' })
  })

  test('a run that ends in one ends with the error', async () => {
    const { saves, finish } = await run({ train: [1, 1, 1, Number.NaN] }, { epochs: 2 })
    await expect(finish()).rejects.toMatchObject({ code: 'ERR_NOT_FINITE', message: expect.stringMatching(/epoch 2, step 2\. Images of that step/) })
    expect(lastSave(saves).position).toMatchObject({ epoch: 1, step: 0 })
  })

  test('weights that are not finite are not saved, whatever the losses were', async () => {
    const { session, saves, finish } = await run({}, { epochs: 3 })
    const stateDict = session.stateDict.bind(session)
    session.stateDict = async () => (session.steps.length < 4 ? stateDict() : new Map([['fc.bias', { dtype: 'float32', shape: [1], data: new Uint8Array([0, 0, 192, 127]) }]]))
    await expect(finish()).rejects.toMatchObject({ code: 'ERR_NOT_FINITE', message: expect.stringMatching(/after the end of epoch 2, and were not saved\. The last good state is last\.safetensors, from the end of epoch 1/) })
    expect(lastSave(saves).position.epoch).toBe(1)
  })

  test('memory that runs out names the batch size to try, in training and in scoring', async () => {
    for (const method of ['trainStep', 'evalStep'] as const) {
      const { session, finish } = await run({})
      Object.assign(session, { [method]: () => Promise.reject(new TorchgraftError('ERR_OUT_OF_MEMORY', 'There is not enough memory for this')) })
      await expect(finish()).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY', message: 'There is not enough memory for a batch of 4 at 8 px. Try a batch size of 2 in a new run' })
    }
  })

  test('saves the position in an epoch where it is due', async () => {
    const { saves, finish } = await run({}, { epochs: 2, saveEveryMinutes: 1e-9 })
    await finish()
    const positions = saves.flatMap(({ name, metadata }) => (name === 'last' ? [(metadata as TrainingMetadata).position] : []))
    expect(positions).toEqual(expect.arrayContaining([expect.objectContaining({ epoch: 0, step: 1, appliedSteps: 1 })]))
  })

  test('a step that overflowed is reported after the next, and does not count for the schedule', async () => {
    const script = { train: [1, Infinity, 1, 1], overflows: [1] }
    const { session, events, finish } = await run(script, { epochs: 2, schedule: (step) => step + 1 })
    await finish()
    expect(session.steps.map(({ lr }) => lr)).toEqual([1, 2, 3, 3])
    expect(events.filter(({ type }) => type === 'step-skipped')).toEqual([{ type: 'step-skipped', epoch: 1, step: 2, scale: 2 }])
    expect(events.flatMap((event) => (event.type === 'epoch' ? [event.train.loss] : []))).toEqual([1, 1]) // its loss spoils no mean
  })

  test('a loss that overflows whatever the scale stops the run', async () => {
    const { finish } = await run({ train: Array<number>(8).fill(Infinity), overflows: [0, 1, 2, 3, 4, 5, 6] }, { epochs: 4 })
    await expect(finish()).rejects.toMatchObject({ code: 'ERR_NOT_FINITE', message: expect.stringMatching(/epoch 2, step 2, and in the 2 steps after it/) }) // the scale is 4, 2, 1, 0.5 …
  })

  test('broken images are reported once, in training and in scoring', async () => {
    const [train, val] = await Promise.all([brokenLoader(), brokenLoader()])
    const events = await collect(fit(new StandInSession(), { train, val, epochs: 2 }))
    expect(events.filter(({ type }) => type === 'image-skipped')).toMatchObject([{ path: '2', code: 'ERR_IMAGE_DECODE' }, { path: '2' }])
  })
})
