import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import type { Remote } from '../../../scripts/libtorch/download.mjs'
import { chooseBuild, fetchLibtorch } from '../../../scripts/libtorch/fetch.mjs'
import { locateLibtorch } from '../../../scripts/libtorch/locate.mjs'
import { requirements, wheelsOf, wheelTags } from '../../../scripts/libtorch/wheels.mjs'
import { makeZip } from '../../helpers/files/make-zip.mjs'
import { skip } from '../../helpers/skip.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { deadUrl, serve } from '../../helpers/processes/server.js'
import { BIG, tree, lay, ASKED, context, fetched } from '../../helpers/set-up.js'

describe('fetching libtorch by pip, where the archive cannot be reached', () => {
  /** A python3 that copies a wheel to where pip was told to. */
  async function fakePython(root: string, wheel: Buffer): Promise<NodeJS.ProcessEnv> {
    await lay(root, { 'bin/python3': `#!/bin/sh\n${ASKED(root)}\nwhile [ $# -gt 0 ]; do [ "$1" = --dest ] && mkdir -p "$2" && cp ${root}/the.whl "$2/torch-2.13.0.whl"; shift; done\nexit 0\n` })
    await writeFile(join(root, 'the.whl'), wheel)
    return { TORCHGRAFT_LIBTORCH: 'cpu', PATH: `${root}/bin:/usr/bin:/bin` }
  }
  let nowhere: Remote
  beforeAll(async () => {
    nowhere = { url: `${await deadUrl()}/none.zip`, bytes: 1, sha256: '' }
  })

  test('asks for the CPU build, and unpacks the libraries without what is Python’s', async () => {
    await using folder = await temporaryFolder()
    const env = await fakePython(folder.path, makeZip({ ...tree('torch'), 'torch/lib/libtorch_python.so': BIG, 'torch/nn/modules.py': '', 'torch-2.13.0.dist-info/LICENSE': 'BSD' }))
    await fetchLibtorch(context(folder.path, env), nowhere)
    const asked = await readFile(join(folder.path, 'asked'), 'utf8')
    expect(asked).toMatch(/pip download --no-deps .*--require-hashes .*--requirement/)
    expect(asked).toMatch(process.platform === 'linux' ? /^torch==2\.13\.0\+cpu --hash=sha256:[0-9a-f]{64}$/m : /^torch==2\.13\.0 --hash=sha256:[0-9a-f]{64}$/m)
    expect(existsSync(join(fetched(folder.path), 'lib/libtorch_cpu.so'))).toBe(true)
    expect(existsSync(join(fetched(folder.path), 'lib/libtorch_python.so'))).toBe(false)
    expect(existsSync(join(fetched(folder.path), 'nn'))).toBe(false)
  })

  test('a server that answers 404 sends it to pip too', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((_, response) => response.writeHead(404).end())
    await fetchLibtorch(context(folder.path, await fakePython(folder.path, makeZip(tree('torch')))), { ...nowhere, url: `${server.url}/x.zip` })
    expect(existsSync(fetched(folder.path))).toBe(true)
  })

  test('a CUDA wheel without NVIDIA’s libraries is refused, with their size and what to set', async () => {
    await using folder = await temporaryFolder()
    const env = await fakePython(folder.path, makeZip({ ...tree('torch', '2.13.0+cu130'), 'torch/lib/libtorch_cuda.so': BIG }))
    await expect(fetchLibtorch(context(folder.path, env), nowhere)).rejects.toThrow(/CUDA build without NVIDIA's libraries, another 2\.2 GB .*TORCHGRAFT_LIBTORCH=cpu/)
    expect(existsSync(fetched(folder.path))).toBe(false)
  })

  test('every wheel is pinned by its whole SHA-256, each once', () => {
    const systems = ['linux-x64', 'linux-arm64', 'darwin-arm64']
    const wheels = systems.flatMap((system) => [...wheelsOf('cpu', system), ...wheelsOf('cuda', system)])
    expect(wheels.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256))).toBe(true)
    expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(wheels.length)
    expect(systems.map((system) => [wheelsOf('cpu', system).length, wheelsOf('cuda', system).length])).toEqual([[1, 17], [1, 17], [1, 0]])
    expect(requirements(wheelsOf('cpu', 'linux-arm64'))).toMatch(/^torch==2\.13\.0\+cpu --hash=sha256:[0-9a-f]{64}\n$/)
    expect(wheelTags('linux-x64')).toEqual(expect.arrayContaining(['3.11', 'manylinux_2_28_x86_64']))
    expect([wheelsOf('cpu', 'linux-riscv64'), wheelsOf('cuda', 'darwin-arm64')]).toEqual([[], []])
  })

  const hasPip = spawnSync('python3', ['-m', 'pip', '--version']).status === 0
  if (!hasPip || process.platform !== 'linux' || process.arch !== 'x64') skip('pip refuses another wheel', 'it takes pip, and the name of a wheel for Linux on x86-64')
  else {
    const METADATA = { 'torch-2.13.0+cpu.dist-info/METADATA': 'Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+cpu\n', 'torch-2.13.0+cpu.dist-info/WHEEL': 'Wheel-Version: 1.0\nTag: cp311-cp311-manylinux_2_28_x86_64\n', 'torch-2.13.0+cpu.dist-info/RECORD': '' }
    test.each([
      ['another wheel of that name', true, /has another file than PyTorch's torch 2\.13\.0\+cpu.*: it was not opened\. .*LIBTORCH_USE_PYTORCH=1/],
      ['no such wheel', false, /has no torch 2\.13\.0\+cpu\. Let pip ask PyTorch's own for CPUs, which PIP_EXTRA_INDEX_URL may name/],
    ])('pip that has %s is not believed, and what to do is said', async (_, there, message) => {
      await using folder = await temporaryFolder()
      const wheels = join(folder.path, 'wheels')
      await mkdir(wheels)
      if (there) await writeFile(join(wheels, 'torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl'), makeZip({ ...tree('torch'), ...METADATA }))
      const env = { ...process.env, TORCHGRAFT_LIBTORCH: 'cpu', PIP_CONFIG_FILE: '/dev/null', PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels }
      await expect(fetchLibtorch(context(folder.path, env), nowhere)).rejects.toThrow(message)
      expect(existsSync(fetched(folder.path))).toBe(false)
    })
  }

  test('without any Python it says what else can be done', async () => {
    await using folder = await temporaryFolder()
    await expect(fetchLibtorch(context(folder.path), nowhere)).rejects.toThrow(/cannot be reached, and there is no Python.*set LIBTORCH to its folder/)
  })

  test.each([[{}, false, 'cpu'], [{}, true, 'cuda'], [{ TORCHGRAFT_LIBTORCH: 'cpu' }, true, 'cpu'], [{ TORCHGRAFT_LIBTORCH: 'cuda' }, false, 'cuda']] as const)('%j with a driver %s is the %s build', (env, driver, build) => {
    expect(chooseBuild(env, driver)).toBe(build)
  })

  test('a build that does not exist is refused', () => {
    expect(() => chooseBuild({ TORCHGRAFT_LIBTORCH: 'rocm' }, false)).toThrow('it may be cpu or cuda')
  })
})

test('the CUDA build is asked of pip with NVIDIA’s libraries, which lie beside it', async () => {
  await using folder = await temporaryFolder()
  const { path } = folder
  await lay(path, { 'bin/python3': `#!/bin/sh\n${ASKED(path)}\nwhile [ $# -gt 0 ]; do [ "$1" = --dest ] && mkdir -p "$2" && cp ${path}/*.whl "$2"; shift; done\nexit 0\n` })
  await writeFile(join(path, 'torch.whl'), makeZip({ ...tree('torch', '2.13.0+cu130'), 'torch/lib/libtorch_cuda.so': BIG }))
  await writeFile(join(path, 'nvidia_cudnn.whl'), makeZip({ 'nvidia/cudnn/lib/libcudnn.so.9': BIG, 'nvidia/cudnn/include/cudnn.h': '//', 'nvidia/cu13/include/cuda_runtime_api.h': '//', 'nvidia/cu13/include/crt/host_config.h': '//', 'nvidia/cu13/include/cooperative_groups/memcpy_async.h': '//' }))
  await writeFile(join(path, 'sympy.whl'), makeZip({ 'sympy/core.py': '' }))
  const setting = context(path, { TORCHGRAFT_LIBTORCH: 'cuda', PATH: `${path}/bin:/usr/bin:/bin` })
  await fetchLibtorch(setting)
  expect(setting.said[0]).toMatch(/CUDA build with NVIDIA's libraries, about 2\.5 GB to download and 4 GB on disk/)
  expect(await readFile(join(path, 'asked'), 'utf8')).toMatch(/^torch==2\.13\.0 --hash=sha256:[0-9a-f]{64}\n(nvidia-[\w-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}\n){16}/m)
  const place = join(path, '.torchgraft/libtorch-2.13.0-cuda')
  expect((await readdir(place, { recursive: true })).filter((name) => /nvidia\/|sympy/.test(name)).sort()).toEqual(['nvidia/cu13', 'nvidia/cu13/include', 'nvidia/cu13/include/crt', 'nvidia/cu13/include/crt/host_config.h', 'nvidia/cu13/include/cuda_runtime_api.h', 'nvidia/cudnn', 'nvidia/cudnn/lib', 'nvidia/cudnn/lib/libcudnn.so.9'])
  expect(locateLibtorch({ root: path, env: {} }).found).toMatchObject({ version: '2.13.0+cu130', cuda: true })
})
