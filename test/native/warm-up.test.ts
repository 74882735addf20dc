import { loadAddon } from '../../src/addon/load.js'
import { whileWarmingUp } from '../../src/session/warm-up.js'

test('a device is taken into use beside other work; one that is not there rejects', async () => {
  const binding = loadAddon()
  await expect(binding.warmUp('cpu')).resolves.toBeUndefined()
  expect(await binding.warmUp('cuda:99').then(() => 'taken', () => 'refused')).toBe('refused')
  expect(() => binding.warmUp(0 as unknown as string)).toThrow('Expected a string for device')
})

test.each(['auto', 'cuda:99'] as const)('work beside %s is done, whatever is wrong with the device', async (device) => {
  expect(await whileWarmingUp(device, async () => 'done')).toBe('done')
})
