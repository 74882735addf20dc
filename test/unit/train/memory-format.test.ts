import { fasterFormat, timeSteps } from '../../../src/train/memory-format.js'
import { StandInSession } from '../../helpers/stand-in-session.js'

const batch = { size: 4, step: 0, indices: new Int32Array(4), labels: new Int32Array(4), images: { pixels: new Uint8Array(0), shapes: new Int32Array(0), plans: [], output: 8, mean: [0, 0, 0], std: [1, 1, 1] } } as const

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
    expect(await timeSteps(session, batch, () => clock.shift()!)).toBe(80) // 10 steps of 4 pictures in half a second
    expect(session.steps.length).toBe(15)
  })
})
