import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { locateLibtorch } from '../../../scripts/libtorch/locate.mjs'
import { runNode } from '../../helpers/processes/child.js'
import { skip } from '../../helpers/skip.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { BIG, tree, lay } from '../../helpers/set-up.js'

describe('finding libtorch', () => {
  test('takes LIBTORCH first, then Python’s where asked, then the fetched copy, and records each attempt', async () => {
    await using folder = await temporaryFolder()
    const { path: root } = folder
    expect(locateLibtorch({ root, env: {} })).toEqual({ tried: [
      { source: 'LIBTORCH', result: 'not set' }, { source: 'LIBTORCH_USE_PYTORCH', result: 'not set' },
      { source: 'set-up', result: expect.stringContaining('there is no folder') }, { source: 'set-up', result: expect.stringContaining('there is no folder') },
    ] })
    await lay(root, { ...tree('.torchgraft/libtorch-2.13.0-cpu/torch'), ...tree('own', '2.13.1'), ...tree('python/torch', '2.13.2'), 'bin/python3': `#!/bin/sh\necho ${root}/python/torch\n` })
    await chmod(join(root, 'bin/python3'), 0o755)
    const PATH = `${root}/bin:/usr/bin:/bin`
    expect(locateLibtorch({ root, env: { PATH } }).found).toMatchObject({ version: '2.13.0+cpu', source: 'set-up' })
    expect(locateLibtorch({ root, env: { PATH, LIBTORCH_USE_PYTORCH: '1' } }).found).toMatchObject({ version: '2.13.2', source: 'LIBTORCH_USE_PYTORCH' })
    expect(locateLibtorch({ root, env: { PATH, LIBTORCH_USE_PYTORCH: '1', LIBTORCH: join(root, 'own') } }).found).toMatchObject({ version: '2.13.1', source: 'LIBTORCH' })
  })

  test('what a variable names is refused when it is wrong, never passed over', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, tree('.torchgraft/libtorch-2.13.0-cpu/torch'))
    const { found, tried } = locateLibtorch({ root: folder.path, env: { LIBTORCH: '/nowhere' } })
    expect([found, tried]).toEqual([undefined, [{ source: 'LIBTORCH', result: 'there is no folder /nowhere' }]])
  })

  const wrongFolders = 'a folder that lacks a part is refused'
  if (process.platform !== 'linux') skip(wrongFolders, 'the names of the libraries are those of Linux')
  else test.each([
    ['no library', 'own/lib/libtorch.so', undefined, 'there is no'],
    ['an empty library', 'own/lib/libtorch_cpu.so', '', 'is cut short'],
    ['no version', 'own/version.py', '', 'its version cannot be told'],
    ['CUDA without NVIDIA’s libraries', 'own/lib/libtorch_cuda.so', BIG, "without NVIDIA's libraries"],
  ])('a folder with %s is refused', async (_, file, content, reason) => {
    await using folder = await temporaryFolder()
    const files = tree('own')
    delete files[file]
    await lay(folder.path, { ...files, ...(content !== undefined && { [file]: content }) })
    expect(locateLibtorch({ root: folder.path, env: { LIBTORCH: join(folder.path, 'own') } }).tried[0]?.result).toContain(reason)
  })

  test('another minor version is refused before the addon is touched, and the process lives', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, tree('own', '2.12.1'))
    const code = `
      import { Session } from './dist/index.js'
      const error = await Session.create({ model: 'regnet_y_400mf', classes: 2 }).catch((reason) => reason)
      console.log(JSON.stringify([error.name, error.code, error.message, process.report.getReport().sharedObjects.some((file) => file.endsWith('torchgraft.node'))]))
    `
    const end = await runNode(['--input-type=module', '--eval', code], { env: { ...process.env, LIBTORCH: join(folder.path, 'own') } })
    expect(JSON.parse(end.stdout)).toEqual(['TorchgraftError', 'ERR_LIBTORCH_VERSION', expect.stringMatching(/built for libtorch 2\.13, and .*own holds 2\.12\.1/), false])
  })

  test('libraries that are no libraries fail the trial in a process of its own, by name', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, tree('own'))
    const code = `import { Session } from './dist/index.js'; const error = await Session.create({ model: 'regnet_y_400mf', classes: 2 }).catch((reason) => reason); console.log(error.code, error.message)`
    const end = await runNode(['--input-type=module', '--eval', code], { env: { ...process.env, LIBTORCH: join(folder.path, 'own'), TORCHGRAFT_HOME: folder.path } })
    expect(end.stdout).toMatch(/^ERR_ADDON A trial of .*own\/lib\/libtorch\.\w+ in a process of its own failed: it ended with code 1 \(.*(too short|invalid|header)/)
  })

  test('importing the library loads no libtorch', async () => {
    const end = await runNode(['--input-type=module', '--eval', `await import('./dist/index.js'); console.log(process.report.getReport().sharedObjects.filter((file) => /\\/(libtorch|libc10|torchgraft)[^/]*$/.test(file)).length)`])
    expect(end.stdout).toBe('0\n')
  })
})
