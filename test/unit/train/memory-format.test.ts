import type { TrainStepResult } from '../../../src/session/session.js'
import type { SessionOptions } from '../../../src/session/options.js'
import { chooseMemoryFormat, fasterFormat, timeSteps } from '../../../src/train/memory-format.js'
import { StandInSession } from '../../helpers/stand-in-session.js'

const batch = {
  size: 4, step: 0, indices: new Int32Array(4), labels: new Int32Array(4),
  images: { pixels: new Uint8Array(0), shapes: new Int32Array(0), plans: [], output: 8, mean: [0, 0, 0], std: [1, 1, 1] },
} as const

const OPTIONS: SessionOptions = { model: 'regnet_y_400mf', classes: 2, device: 'cuda:0', kernels: 'plain' }

/** As a session of the addon: it takes no step once it was disposed of. */
class Disposable extends StandInSession implements AsyncDisposable {
  disposed = false

  override trainStep(...args: Parameters<StandInSession['trainStep']>): Promise<TrainStepResult> {
    return this.disposed ? Promise.reject(new Error('This session has been disposed of')) : super.trainStep(...args)
  }

  async deviceNotes(): Promise<readonly string[]> {
    if (this.disposed) throw new Error('This session has been disposed of')
    return ['a note of the device']
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true
  }
}

describe('the memory format of a run on a GPU', () => {
  test.each([[{ channels_last: 200, contiguous: 100 }, 'channels_last'], [{ channels_last: 83, contiguous: 264 }, 'contiguous'], [{ channels_last: 100, contiguous: 100 }, 'channels_last']] as const)('%j: %s', async (speeds, expected) => {
    const asked: string[] = []
    const choice = await fasterFormat((format) => {
      asked.push(format)
      return Promise.resolve(speeds[format])
    })
    expect(choice).toEqual({ memoryFormat: expected, imagesPerSecond: speeds })
    expect(asked).toEqual(['channels_last', 'contiguous'])
  })

  test('speed is that of the steps after a warm-up', async () => {
    const session = new StandInSession()
    const clock = [1000, 1500]
    expect(await timeSteps(session, batch, () => clock.shift()!)).toBe(80) // 10 steps of 4 images in half a second
    expect(session.steps.length).toBe(15)
  })

  test.each<SessionOptions>([OPTIONS, { ...OPTIONS, kernels: 'auto', precision: 'fp32' }])('each format is tried in a session of its own, which is disposed of after its steps and before the next begins: %j', async (options) => {
    const sessions: Disposable[] = []
    const createSession = async ({ memoryFormat }: SessionOptions): Promise<Disposable> => {
      expect(sessions.map(({ disposed }) => disposed)).toEqual(sessions.map(() => true))
      expect(memoryFormat).toBe(['channels_last', 'contiguous'][sessions.length])
      const session = new Disposable()
      sessions.push(session)
      return session
    }
    const { memoryFormat, notes } = await chooseMemoryFormat(options, { batchSize: 2, size: 8 }, { hasGpu: () => true, createSession })
    expect(sessions.map(({ steps, disposed }) => [steps.length, disposed])).toEqual([[15, true], [15, true]])
    expect(notes).toEqual([expect.stringContaining(`Memory format ${memoryFormat}, measured`), 'a note of the device'])
  })

  test.each<[string, SessionOptions, boolean, string]>([
    ['a format that is named is taken', { ...OPTIONS, memoryFormat: 'contiguous' }, true, 'contiguous'],
    ['with kernels of our own in bf16 it is channels_last', { ...OPTIONS, kernels: 'auto', precision: 'bf16' }, true, 'channels_last'],
    ['by default it is channels_last', { model: 'regnet_y_400mf', classes: 2 }, true, 'channels_last'],
    ['on the CPU it is channels_last', { ...OPTIONS, device: 'cpu' }, true, 'channels_last'],
    ['without a GPU it is channels_last', { ...OPTIONS, device: 'auto' }, false, 'channels_last'],
  ])('%s, and nothing is tried', async (_, options, gpu, expected) => {
    const createSession = (): Promise<Disposable> => Promise.reject(new Error('A session was made'))
    const chosen = await chooseMemoryFormat(options, { batchSize: 2, size: 8 }, { hasGpu: () => gpu, createSession })
    expect(chosen).toEqual({ memoryFormat: expected, notes: [] })
  })
})
