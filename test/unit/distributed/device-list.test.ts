import { devicesOf, parseDeviceList } from '../../../src/distributed/device-list.js'
import { aDevice } from '../../../src/session/check-options.js'

const never = (): never => {
  throw new Error('GPUs were counted')
}

test.each([
  ['cpu:2', ['cpu', 'cpu']],
  ['cpu:1', ['cpu']],
  ['cuda:0,cuda:1', ['cuda:0', 'cuda:1']],
  ['cuda:3,cuda:1,cuda:10', ['cuda:3', 'cuda:1', 'cuda:10']],
])('%s is a rank on each of %j', (text, devices) => {
  expect(devicesOf(parseDeviceList(text)!, never)).toEqual(devices)
})

test('cuda:all is a rank on each GPU that there is', () => {
  expect(devicesOf(parseDeviceList('cuda:all')!, () => 3)).toEqual(['cuda:0', 'cuda:1', 'cuda:2'])
})

test.each(['auto', 'cpu', 'cuda', 'cuda:1', 'cuda:0,cpu', 'cuda:0,', ',cuda:0', 'cuda:0, cuda:1', 'cpu:', 'cpu:all', 'cuda:0,1', '', 'CPU:2'])('%j is no list of devices', (text) => {
  expect(parseDeviceList(text)).toBeUndefined()
})

test.each([
  ['cpu:0', 'Expected cpu:N, with N from 1 to 1024, for device but received "cpu:0"'],
  ['cpu:1025', 'Expected cpu:N, with N from 1 to 1024, for device but received "cpu:1025"'],
  ['cuda:0,cuda:1,cuda:0', 'Expected GPUs that differ for device but received "cuda:0,cuda:1,cuda:0"'],
])('%s is refused', (text, message) => {
  expect(() => parseDeviceList(text)).toThrow(message)
})

test.each(['cpu:2', 'cuda:all', 'cuda:0,cuda:1'])('%s is refused by whatever computes in one process, which says who takes it', (device) => {
  const expected = 'Expected auto, cpu, cuda or cuda:N (one device: several are for the command line of training alone) for device'
  expect(() => aDevice(device, 'device')).toThrow(`${expected} but received "${device}"`)
})
