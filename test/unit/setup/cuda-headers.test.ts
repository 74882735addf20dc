import { join } from 'node:path'
import { findCudaHeaders } from '../../../scripts/common/cuda-headers.mjs'
import { addonFiles, addonHash, buildFolder } from '../../../scripts/common/paths.mjs'
import { locateLibtorch } from '../../../scripts/libtorch/locate.mjs'
import { addon } from '../../../scripts/setup/addon.mjs'
import { writeStamp } from '../../../scripts/setup/stamp.mjs'
import { context, lay, tree } from '../../helpers/set-up.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const RUNTIME = (version: number): string => `#pragma once\n#define CUDART_VERSION  ${version}\n`
const NVCC = '#!/bin/sh\n'

/** A CUDA build in `site/torch`, and what else there is. */
async function laid(files: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder()
  await lay(folder.path, { ...tree('site/torch'), 'site/torch/lib/libtorch_cuda.so': '', 'site/nvidia/cudnn/lib/libcudnn.so': '', ...files })
  return folder
}

describe('CUDA’s headers', () => {
  const CU13 = { 'site/nvidia/cu13/include/cuda_runtime_api.h': RUNTIME(13_000), 'site/nvidia/cu13/include/crt/host_config.h': '' }
  const TOOLKIT = { 'cuda/targets/here-linux/include/cuda_runtime_api.h': RUNTIME(12_080), 'cuda/targets/here-linux/include/crt/host_config.h': '' }

  test.each<[string, Readonly<Record<string, string>>, readonly string[], number]>([
    ['of CUDA 13’s packages', CU13, ['site/nvidia/cu13/include'], 13_000],
    ['of CUDA 12’s packages, of which each has a folder', { 'site/nvidia/cuda_runtime/include/cuda_runtime_api.h': RUNTIME(12_080), 'site/nvidia/cuda_nvcc/include/crt/host_config.h': '' }, ['site/nvidia/cuda_runtime/include', 'site/nvidia/cuda_nvcc/include'], 12_080],
    ['of the toolkit that CUDA_HOME names', TOOLKIT, ['cuda/targets/here-linux/include'], 12_080],
    ['of the packages, before a toolkit’s', { ...CU13, ...TOOLKIT }, ['site/nvidia/cu13/include'], 13_000],
    ['of a toolkit, where the packages’ are too old', { ...TOOLKIT, 'site/nvidia/cu12/include/cuda_runtime_api.h': RUNTIME(12_030), 'site/nvidia/cu12/include/crt/host_config.h': '' }, ['cuda/targets/here-linux/include'], 12_080],
    ['of a toolkit, where the packages’ are without what they include', { ...TOOLKIT, 'site/nvidia/cu13/include/cuda_runtime_api.h': RUNTIME(13_000) }, ['cuda/targets/here-linux/include'], 12_080],
  ])('%s', async (_, files, folders, version) => {
    await using folder = await laid(files)
    const env = { CUDA_HOME: join(folder.path, 'cuda') }
    const found = findCudaHeaders({ folder: join(folder.path, 'site/torch'), cuda: true }, env, [])
    expect(found).toEqual({ folders: folders.map((name) => join(folder.path, name)), version })
  })

  test('of the toolkit whose compiler is on the path', async () => {
    await using folder = await laid({ 'kit/bin/nvcc': NVCC, 'kit/include/cuda_runtime_api.h': RUNTIME(13_020), 'kit/include/crt/host_config.h': '' })
    const found = findCudaHeaders({ folder: join(folder.path, 'site/torch'), cuda: true }, { PATH: `/nonexistent:${join(folder.path, 'kit/bin')}` }, [])
    expect(found).toEqual({ folders: [join(folder.path, 'kit/include')], version: 13_020 })
  })

  test('are not looked for beside a CPU build', async () => {
    await using folder = await laid(CU13)
    expect(findCudaHeaders({ folder: join(folder.path, 'site/torch'), cuda: false }, {})).toBeUndefined()
  })

  test('may be nowhere', async () => {
    await using folder = await laid({ 'site/nvidia/cu13/include/cuda_runtime_api.h': RUNTIME(13_000) })
    expect(findCudaHeaders({ folder: join(folder.path, 'site/torch'), cuda: true }, {}, [])).toBeUndefined()
  })
})

test('an addon is built anew when CUDA’s headers come, and when they become others', async () => {
  await using folder = await laid({ 'package-lock.json': '{}' })
  const { path: root } = folder
  const env = { LIBTORCH: join(root, 'site/torch'), PATH: '/nonexistent' }
  const found = locateLibtorch({ root, env }).found!
  const { loader, images, main, built } = addonFiles(buildFolder(root, env, found))
  const build = (): Promise<string> => addon(context(root, env)).then(() => 'up to date', () => 'it is built')
  for (const files of [
    {},
    { 'site/nvidia/cu13/include/cuda_runtime_api.h': RUNTIME(13_000), 'site/nvidia/cu13/include/crt/host_config.h': '' },
    { 'site/nvidia/cu13/include/cuda_runtime_api.h': RUNTIME(13_010) },
  ]) {
    await lay(root, files)
    expect(await build()).toBe('it is built')
    for (const file of [loader, images, main]) await lay(root, { [file.slice(root.length)]: '' })
    writeStamp(built, addonHash(root, found, env))
    expect(await build()).toBe('up to date')
  }
})
