import { loadAddon } from '../../src/addon/load.js'
import { warmUp } from '../../src/session/warm-up.js'

test('a device is taken into use beside other work; one that is not there rejects', async () => {
  const binding = loadAddon()
  await expect(binding.warmUp('cpu')).resolves.toBeUndefined()
  expect(await binding.warmUp('cuda:99').then(() => 'taken', () => 'refused')).toBe('refused')
  expect(() => binding.warmUp(0 as unknown as string)).toThrow('Expected a string for device')
})

test('before a run, whatever is wrong with a device is not told: what needs it will', async () => {
  await expect(warmUp('auto')).resolves.toBeUndefined()
  await expect(warmUp('cuda:99')).resolves.toBeUndefined()
})
