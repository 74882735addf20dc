import { doctorText } from '../../../src/cli/commands/doctor.js'
import { adviseOnGpu, type DoctorReport } from '../../../src/addon/doctor.js'

test.each([
  [['cuda:0'], true, true, undefined],
  [[], false, false, undefined],
  [[], false, true, 'TORCHGRAFT_LIBTORCH=cuda'],
  [[], true, true, 'sees no GPU'],
  [[], true, false, 'sees no GPU'],
])('devices %j, CUDA build %s, driver %s: advice %s', (devices, cuda, driver, advice) => {
  const lines = adviseOnGpu(devices, cuda, driver)
  if (advice === undefined) expect(lines).toEqual([])
  else expect(lines).toEqual([expect.stringContaining(advice)])
})

test('a report for people says what is missing and what to do', () => {
  const report: DoctorReport = {
    ok: false, libtorch: null, tried: [{ source: 'LIBTORCH', result: 'not set' }], devices: [], processor: { name: 'AMD EPYC', features: [], cores: 2 }, precision: null, node: '20.20.2', advice: ['Run it.'],
  }
  expect(doctorText(report)).toMatchInlineSnapshot(`
"libtorch   not found
devices    none
processor  AMD EPYC, 2 cores
precision  unknown
node       20.20.2

Where libtorch was looked for:
  LIBTORCH: not set

To do: Run it.
torchgraft cannot compute until this is fixed.
"
`)
})
