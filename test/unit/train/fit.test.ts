import type { CheckpointStore } from '../../../src/checkpoints/checkpoint-store.js'
import type { ModelMetadata, TrainingMetadata } from '../../../src/checkpoints/model-metadata.js'
import { EarlyStopping } from '../../../src/train/early-stopping.js'
import type { TrainingEvent } from '../../../src/train/events.js'
import { fit, type FitOptions } from '../../../src/train/fit.js'
import { warmupCosine } from '../../../src/train/schedules.js'
import { collect, numberedLoader } from '../../helpers/loader.js'
import { type Script, StandInSession } from '../../helpers/stand-in-session.js'

type Save = { readonly name: 'best' | 'last'; readonly metadata: ModelMetadata | TrainingMetadata }

/** Eight pictures in two steps an epoch, four in one batch to score. */
async function run(script: Script, options: Partial<FitOptions> = {}) {
  const session = new StandInSession(script)
  const saves: Save[] = []
  const save = async (name: 'best' | 'last', _: unknown, metadata: ModelMetadata) => (saves.push({ name, metadata }), { file: `${name}.safetensors`, bytes: 1 })
  const checkpoints = { save } as Pick<CheckpointStore, 'save'>
  const train = await numberedLoader(8, { shuffle: true })
  const val = await numberedLoader(4)
  const events: TrainingEvent[] = []
  const finish = async (): Promise<void> => {
    for await (const event of fit(session, { train, val, epochs: 3, checkpoints, ...options })) events.push(event)
  }
  return { session, saves, events, finish }
}

const types = (events: readonly TrainingEvent[]): string[] => events.map(({ type }) => type)
const lastSave = (saves: readonly Save[]): TrainingMetadata => saves.filter(({ name }) => name === 'last').at(-1)?.metadata as TrainingMetadata

describe('fit', () => {
  test('tells of each step and epoch in order, from 1, with means over pictures', async () => {
    const { events, finish } = await run({ train: [3, 1, 2, 2, 1, 1], val: [5, 4, 6], top1: [0, 0.5, 0.25] }, { epochs: 2, schedule: warmupCosine({ lr: 1, steps: 4, warmup: 2 }) })
    await finish()
    expect(types(events)).toEqual(['start', 'step', 'step', 'epoch', 'checkpoint', 'checkpoint', 'step', 'step', 'epoch', 'checkpoint', 'checkpoint', 'stop'])
    expect(events[1]).toMatchObject({ epoch: 1, step: 1, loss: 3, lr: 0.5, scale: 1 })
    expect(events[2]).toMatchObject({ epoch: 1, step: 2, loss: 1, lr: 1 })
    expect(events[3]).toMatchObject({ epoch: 1, train: { loss: 2, top1: 1 }, val: { loss: 5, top1: 0, count: 4 }, improved: true })
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
    expect(saves.map(({ name }) => name)).toEqual(['best', 'last', 'last', 'best', 'last'])
    expect(saves[0]?.metadata).toMatchObject({ model: 'regnet_y_400mf', classes: ['even', 'odd'], size: 8, resize: { shorterSide: 9, crop: 8 }, metrics: { epoch: 1, loss: 5, count: 4 } })
    expect(lastSave(saves)).toMatchObject({ position: { epoch: 3, step: 0, appliedSteps: 6, images: 24 }, running: { images: 0 }, best: { epoch: 3, value: 4 } })
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
    expect(again.session.steps).toEqual([])
  })

  test('a loss that is no number stops the run, naming the pictures', async () => {
    const { finish } = await run({ train: [1, Number.NaN] })
    await expect(finish()).rejects.toMatchObject({ code: 'ERR_NOT_FINITE', message: expect.stringMatching(/epoch 1, step 2 \(pictures picture \d/) })
  })

  test('a step that overflowed is told of by the next, and does not count for the schedule', async () => {
    const { session, events, finish } = await run({ train: [1, Infinity, 1, 1], overflows: [1] }, { epochs: 2, schedule: (step) => step + 1 })
    await finish()
    expect(session.steps.map(({ lr }) => lr)).toEqual([1, 2, 3, 3])
    expect(events.filter(({ type }) => type === 'step-skipped')).toEqual([{ type: 'step-skipped', epoch: 1, step: 2, scale: 2 }])
    expect(events.flatMap((event) => (event.type === 'epoch' ? [event.train.loss] : []))).toEqual([1, 1]) // its loss spoils no mean
  })

  test('a loss that overflows whatever the scale stops the run', async () => {
    const { finish } = await run({ train: [Infinity, Infinity, Infinity, Infinity], overflows: [0, 1, 2, 3] }, { epochs: 2 })
    await expect(finish()).rejects.toMatchObject({ code: 'ERR_NOT_FINITE', message: expect.stringMatching(/epoch 2, step 2/) }) // the scale is 4, 2, 1, 0.5
  })

  test('broken pictures are told of once, in training and in scoring', async () => {
    const broken = await numberedLoader(8)
    const get = broken.dataset.get.bind(broken.dataset)
    broken.dataset.get = (i) => (i === 2 ? Promise.resolve({ image: Buffer.from('no'), label: 0 }) : get(i))
    const events = await collect(fit(new StandInSession(), { train: broken, val: broken, epochs: 2 }))
    expect(events.filter(({ type }) => type === 'image-skipped')).toMatchObject([{ path: '2', code: 'ERR_IMAGE_DECODE' }, { path: '2' }])
  })
})
