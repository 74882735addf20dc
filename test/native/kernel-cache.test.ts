import { engineCheckWith, libtorchFolder, standInDriver } from '../helpers/processes/engine-check.js'
import { skip } from '../helpers/skip.js'

const title = 'a GPU’s kernel is compiled once: what is given is loaded as it is, and what the driver refuses is compiled anew'
const nvrtc = process.env['TORCHGRAFT_TEST_NVRTC']
if (nvrtc === undefined) skip(title, 'TORCHGRAFT_TEST_NVRTC names no folder with libnvrtc.so.13 or .12 (pip: nvidia-cuda-nvrtc)')
else test(title, async () => {
  const found = await engineCheckWith({ LD_LIBRARY_PATH: `${standInDriver()}:${nvrtc}:${libtorchFolder()}` }, 'kernel-cache')
  expect(found).toEqual({
    key: expect.stringMatching(/^sm_90-nvrtc\d+\.\d+-[0-9a-f]{16}$/),
    unknown: 1, known: 0, 'of another source': 1, 'taken as given': 0, refused: 1, 'the same again': true,
  })
}, 60_000)

test('where there is no driver, it is said', async () => {
  const outcome = await engineCheckWith({ LD_LIBRARY_PATH: libtorchFolder() }, 'kernel-cache').then(() => 'a driver', String)
  expect(outcome).toMatch(/^a driver$|libcuda\.so\.1: cannot open/)
})
