import type { Device } from '../../../src/session/options.js'
import { warmUp } from '../../../src/session/warm-up.js'

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

test.each<[Device, readonly string[], readonly string[]]>([
  ['auto', ['cuda:0', 'cuda:1'], ['preload', 'load', 'cuda:0']],
  ['cuda', ['cuda:0'], ['preload', 'load', 'cuda:0']],
  ['cuda:1', ['cuda:0', 'cuda:1'], ['preload', 'load', 'cuda:1']],
  ['cuda:1', ['cuda:0'], ['preload', 'load']],
  ['auto', [], ['preload', 'load']],
  ['cpu', ['cuda:0'], ['preload']],
])('device %s, where there are %j: %j', async (device, cuda, expected) => {
  const { done, computing } = standIn(cuda)
  await warmUp(device, computing)
  expect(done).toEqual(expected)
})

test.each(['preload', 'load', 'cuda:0'])('that %s fails is nobody’s error here', async (failing) => {
  const { done, computing } = standIn(['cuda:0'], failing)
  await warmUp('auto', computing)
  expect(done.at(-1)).toBe(failing)
})
