import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { askGpu, requireGpu, visibleDevices } from '../../../bench/harness/device.mjs'
import { watchGpuMemory } from '../../../bench/harness/peak-gpu-memory.mjs'
import { askPython, whatIsMissing } from '../../../bench/harness/python.mjs'
import { SetupError } from '../../../scripts/setup/errors.mjs'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const gpu = { name: 'NVIDIA H200', driver: '570.86.15', memory: 1 }
const python = { command: 'python3', versions: { torch: '2.13.0+cu130', gpu: 'NVIDIA H200' }, missing: {} }
const there = { device: 'cuda:0', gpu, cuda: ['cuda:0'], libtorch: '2.13.0', python }

describe('a GPU that a bench is to be of', () => {
  test('that is there is taken', () => {
    expect(() => { requireGpu(there) }).not.toThrow()
  })

  test.each<[string, object, readonly RegExp[]]>([
    ['no driver', { gpu: { error: 'spawnSync nvidia-smi ENOENT' } }, [/nvidia-smi tells of no such GPU: spawnSync nvidia-smi ENOENT/]],
    ['a libtorch for the CPU', { cuda: [] }, [/libtorch 2\.13\.0 sees no CUDA device: TORCHGRAFT_LIBTORCH=cuda npm run setup/]],
    ['another GPU alone', { device: 'cuda:1' }, [/libtorch 2\.13\.0 sees cuda:0/]],
    ['a torch for the CPU', { python: { ...python, versions: { torch: '2.13.0+cpu' } } }, [/torch 2\.13\.0\+cpu of python3 sees no GPU/]],
    ['no torchvision', { python: { ...python, missing: { torchvision: 'ModuleNotFoundError' } } }, [/python3 has no torchvision \(ModuleNotFoundError\)/]],
    ['nothing', { gpu: { error: 'none' }, cuda: [], python: { command: 'py', versions: {}, missing: { torch: 'no' } } }, [/nvidia-smi/, /libtorch/, /py has no torch/]],
  ])('with %s is refused, and all that is missing is named', (_, found, reasons) => {
    const check = (): void => { requireGpu({ ...there, ...found }) }
    expect(check).toThrow(SetupError)
    for (const reason of [...reasons, /TORCHGRAFT_PYTHON/]) expect(check).toThrow(reason)
  })
})

test.each([
  ['cpu', {}, ''],
  ['cuda:0', {}, '0'],
  ['cuda:2', {}, '2'],
  ['cuda:1', { CUDA_VISIBLE_DEVICES: '3, 5' }, '5'],
  ['cuda:0', { CUDA_VISIBLE_DEVICES: 'GPU-8c4d' }, 'GPU-8c4d'],
])('a program that is to see %s, of %j, is given "%s"', (device, env, visible) => {
  expect(visibleDevices(device, env)).toBe(visible)
})

describe('nvidia-smi', () => {
  async function standIn(script: string) {
    const folder = await temporaryFolder()
    await writeFile(join(folder.path, 'nvidia-smi'), `#!/bin/sh\n${script}\n`)
    await chmod(join(folder.path, 'nvidia-smi'), 0o755)
    return { env: { ...process.env, PATH: `${folder.path}:${process.env['PATH'] ?? ''}` }, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
  }

  test('tells name, driver and memory of the GPU that is asked for', async () => {
    await using smi = await standIn('case "$*" in *"-i 1") echo "NVIDIA H200, 570.86.15, 143771";; *) exit 9;; esac')
    expect(askGpu('cuda:1', smi.env)).toEqual({ name: 'NVIDIA H200', driver: '570.86.15', memory: 143_771 * 2 ** 20 })
  })

  test('that finds none says so', async () => {
    await using smi = await standIn('echo "No devices were found"; exit 6')
    expect(askGpu('cuda:0', smi.env)).toEqual({ error: 'No devices were found' })
  })

  test('is watched for how far the memory rises', async () => {
    await using smi = await standIn("printf '500\\n700\\n2500\\n900\\n'; exec sleep 60") // at once: all are read with the first
    const end = await watchGpuMemory('cuda:0', smi.env)
    expect(end()).toBe(2000 * 2 ** 20)
  })

  test('without memory to tell of is an error', async () => {
    await using smi = await standIn('exit 6')
    await expect(watchGpuMemory('cuda:0', smi.env)).rejects.toThrow('nvidia-smi tells of no memory')
  })
})

describe('the peers’ Python', () => {
  test('that is not there is told so', () => {
    const python = askPython({ ...process.env, TORCHGRAFT_PYTHON: '/no/such/python' })
    expect(whatIsMissing(python, ['torch'])).toMatch(/\/no\/such\/python has no torch \(.*ENOENT/)
  })
})
