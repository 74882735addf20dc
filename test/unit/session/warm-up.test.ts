import type { Device } from '../../../src/session/options.js'
import { whileWarmingUp } from '../../../src/session/warm-up.js'

/** Keeps what was done, in its order. */
function standIn(cuda: readonly string[], failing?: string) {
  const done: string[] = []
  const step = (name: string): void => {
    done.push(name)
    if (name === failing) throw new Error(`${name} failed`)
  }
  const preload = async (): Promise<void> => step('preload')
  const addon = () => {
    step('load')
    return { system: () => ({ cuda }), warmUp: async (device: string): Promise<void> => step(device) }
  }
  return { done, computing: { preload, addon } }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const work = async (): Promise<string> => {
  await turn()
  return 'the data'
}

test.each<[Device, readonly string[], readonly string[]]>([
  ['auto', ['cuda:0', 'cuda:1'], ['preload', 'load', 'cuda:0']],
  ['cuda', ['cuda:0'], ['preload', 'load', 'cuda:0']],
  ['cuda:1', ['cuda:0', 'cuda:1'], ['preload', 'load', 'cuda:1']],
  ['cuda:1', ['cuda:0'], ['preload', 'load']],
  ['auto', [], ['preload', 'load']],
  ['cpu', ['cuda:0'], ['preload']],
])('beside the work, of device %s where there are %j: %j', async (device, cuda, expected) => {
  const { done, computing } = standIn(cuda)
  expect(await whileWarmingUp(device, work, computing)).toBe('the data')
  expect(done).toEqual(expected)
})

test.each(['preload', 'load', 'cuda:0'])('that %s fails is nobody’s error here', async (failing) => {
  const { done, computing } = standIn(['cuda:0'], failing)
  expect(await whileWarmingUp('auto', work, computing)).toBe('the data')
  expect(done.at(-1)).toBe(failing)
})

test('where the work fails, no device is taken into use after it', async () => {
  const { done, computing } = standIn(['cuda:0'])
  const slow = { ...computing, preload: () => turn().then(computing.preload) }
  await expect(whileWarmingUp('auto', () => Promise.reject(new Error('no such folder')), slow)).rejects.toThrow('no such folder')
  await turn()
  await turn()
  expect(done).toEqual(['preload'])
})
