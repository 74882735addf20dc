import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { fetchLibtorch } from '../../../scripts/libtorch/fetch.mjs'
import { setUp } from '../../../scripts/setup.mjs'
import { addon } from '../../../scripts/setup/addon.mjs'
import { libtorch } from '../../../scripts/setup/libtorch.mjs'
import { explainDiskError } from '../../../scripts/setup/errors.mjs'
import { nodeProblem } from '../../../scripts/setup/node-version.mjs'
import { ROOT, runNode } from '../../helpers/processes/child.js'
import { deadUrl, serve } from '../../helpers/processes/server.js'
import { BIG, context, lay } from '../../helpers/set-up.js'
import { makeZip } from '../../helpers/files/make-zip.mjs'
import { skip } from '../../helpers/skip.js'
import { until } from '../../helpers/until.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const LIBTORCH: Readonly<Record<string, string>> = {
  'lib/libtorch.so': BIG, 'lib/libtorch_cpu.so': BIG, 'lib/libtorch.dylib': BIG, 'lib/libtorch_cpu.dylib': BIG,
  'build-version': '2.13.0+cpu\n',
}

const firstLine = (work: Promise<unknown>): Promise<string> => work.then(() => 'it went well', (error: unknown) => (error as Error).message.split('\n')[0] ?? '')

describe('set-up says in one line what to install or set', () => {
  const TOOL = '#!/bin/sh\nexit 0\n'
  const ALL = { 'bin/cmake': TOOL, 'bin/make': TOOL, 'bin/c++': TOOL }
  const without = (name: keyof typeof ALL): Record<string, string> =>
    Object.fromEntries(Object.entries(ALL).filter(([tool]) => tool !== name))
  /** A compiler that fails to compile with this on stderr. */
  const failing = (stderr: string): string => `#!/bin/sh\ncase "$*" in *--version*) exit 0;; -v) echo "Selected GCC installation: /usr/lib/gcc/x86_64-linux-gnu/13" >&2; exit 0;; esac\ncat >/dev/null\necho "${stderr}" >&2\nexit 1\n`
  const beforeCompiling = 'without what it takes to build, before it compiles'
  if (process.platform !== 'linux') skip(beforeCompiling, 'the packages to install are those of Linux')
  else test.each<[string, Record<string, string>, NodeJS.ProcessEnv, RegExp]>([
    ['a compiler', without('bin/c++'), {}, /^To build the addon it takes a C\+\+ compiler, and there is none\. Install: .*g\+\+/],
    ['cmake', without('bin/cmake'), {}, /^To build the addon it takes cmake, and there is none\. Install: .*cmake/],
    ['make and ninja', without('bin/make'), {}, /^To build the addon it takes make or ninja, and there is none\. Install: .*make/],
    ['any of them', {}, {}, /^To build the addon it takes cmake, make or ninja and a C\+\+ compiler, and there is none\. Install: .*cmake/],
    ['the compiler that CXX names', ALL, { CXX: 'clang++-99' }, /^To build the addon it takes the C\+\+ compiler that CXX names \(clang\+\+-99\), and there is none\./],
    ['a new enough cmake', { ...ALL, 'bin/cmake': '#!/bin/sh\necho "cmake version 3.10.2"\n' }, {}, /^To build the addon it takes CMake 3\.18 or newer, and this is 3\.10\.2\. Install a newer one/],
    ['the C++ library’s headers, by clang', { ...ALL, 'bin/c++': failing("<stdin>:2:10: fatal error: 'algorithm' file not found") }, {}, /^The compiler \(c\+\+\) does not find the header <algorithm>\. Install: .*libstdc\+\+-13-dev/],
    ['the system’s headers, by g++', { ...ALL, 'bin/c++': failing('/usr/include/c++/12/cstdlib:75:15: fatal error: stdlib.h: No such file or directory') }, {}, /^The compiler \(c\+\+\) does not find the header <stdlib\.h>\. Install: /],
    ['C++20', { ...ALL, 'bin/c++': failing("c++: error: unrecognized command line option '-std=c++20'") }, {}, /^The compiler \(c\+\+\) cannot compile what the addon is written in\. It takes a compiler of C\+\+20: g\+\+ 12 or clang 15, or newer\./],
  ])('without %s, before it compiles', async (_, tools, more, message) => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { ...Object.fromEntries(Object.entries(LIBTORCH).map(([path, text]) => [`own/${path}`, text])), ...tools, 'package-lock.json': '{}', 'bin/cat': '#!/bin/sh\nwhile read -r line; do :; done\n' })
    expect(await firstLine(addon(context(folder.path, { LIBTORCH: join(folder.path, 'own'), PATH: join(folder.path, 'bin'), ...more })))).toMatch(message)
    expect(await readdir(folder.path)).not.toContain('.torchgraft')
  })

  test('without a network, for libtorch and its other way', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { 'bin/python3': '#!/bin/sh\n[ "$3" = --version ] && exit 0\necho "Could not connect" >&2\nexit 1\n' })
    const env = { TORCHGRAFT_LIBTORCH: 'cpu', PATH: `${join(folder.path, 'bin')}:/usr/bin:/bin` }
    const failing = fetchLibtorch(context(folder.path, env), { url: `${await deadUrl()}/x.zip`, bytes: 1, sha256: '' })
    expect(await firstLine(failing)).toBe('The official archive of libtorch cannot be reached, and pip could not fetch it either (code 1). Check the network, and run it again. Or get libtorch by other means and set LIBTORCH to its folder.')
    await expect(failing).rejects.toThrow('Could not connect')
  })

  test('without a network, for node modules', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { 'bin/npm': '#!/bin/sh\necho "ENOTFOUND the registry" >&2\nexit 1\n', 'package-lock.json': '{}' })
    const code = `
      const { nodeModules } = await import('${pathToFileURL(join(ROOT, 'scripts/setup/node-modules.mjs')).href}')
      await nodeModules({ root: '${folder.path}', env: process.env, progress: (_, work) => work(() => {}) }).catch((error) => console.log(error.message))
    `
    const { npm_execpath: _, ...env } = process.env
    const { stdout } = await runNode(['--input-type=module', '--eval', code], { env: { ...env, PATH: `${join(folder.path, 'bin')}:${env['PATH'] ?? ''}` } })
    expect(stdout).toMatch(/^npm could not install the node modules \(code 1\)\. Check that the package registry can be reached \(npm ping\), and run it again\.\nENOTFOUND/)
  })

  test.each([
    ['20.19.0', undefined], ['22.0.0', undefined], ['24.11.1', undefined], ['20.18.3', /needs Node 20\.19 or newer, and this is 20\.18\.3\. Install/], ['18.20.8', /this is 18\.20\.8/], ['9.0.0', /this is 9\.0\.0/],
  ])('with Node %s', (version, message) => {
    if (message === undefined) expect(nodeProblem(version)).toBeUndefined()
    else expect(nodeProblem(version)).toMatch(message)
  })

  test.each([['setup.mjs'], ['train.mjs'], ['torchgraft.mjs'], ['torchgraft.cjs']])('with an old Node, of %s, before anything else', async (script) => {
    const old = `data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } })")}`
    const end = await runNode(['--import', old, join('scripts', script)])
    expect(end).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^(?:torchgraft could not be set up\. )?torchgraft needs Node 20\.19 or newer, and this is 18\.20\.8\. Install [^\n]+\n$/) })
  })

  const noRoom = 'with no room on the disk, while it downloads'
  if (process.platform !== 'linux') skip(noRoom, 'only Linux has /dev/full')
  else test(noRoom, async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, '.torchgraft/fetching'), { recursive: true })
    await symlink('/dev/full', join(folder.path, '.torchgraft/fetching/libtorch.zip.part'))
    await using server = await serve((_, response) => response.end(Buffer.alloc(100_000)))
    const failing = fetchLibtorch(context(folder.path, { TORCHGRAFT_LIBTORCH: 'cpu', PATH: '/nonexistent' }), { url: `${server.url}/x.zip`, bytes: 100_000, sha256: '' })
    const told = await failing.catch((error: unknown) => explainDiskError(error) as Error)
    expect((told as Error).message).toMatch(/libtorch\.zip\.part cannot be written: there is no room left: libtorch takes 1 GB .* Free some, and run it again: it goes on from there\.$/)
  })

  test('where it may not write, and of errors that are not the disk’s it makes nothing else', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, '.torchgraft'), 'in the way')
    const failing = await firstLine(setUp({ root: folder.path, env: {}, stream: { write: () => {} } }))
    expect(failing).toMatch(/EEXIST|ENOTDIR/)
    expect((explainDiskError(Object.assign(new Error('x'), { code: 'EROFS', path: '/readonly/lib' })) as Error).message).toMatch(/^\/readonly\/lib cannot be written: it is read-only\. Take another place/)
    const other = new Error('other')
    expect(explainDiskError(other)).toBe(other)
  })

  test('with LIBTORCH set to what is none', async () => {
    await using folder = await temporaryFolder()
    expect(await firstLine(libtorch(context(folder.path, { LIBTORCH: '/nowhere' })))).toBe('LIBTORCH is set, and cannot be used: there is no folder /nowhere.')
  })
})

test('with LIBTORCH set nothing is fetched, and nothing is asked for', async () => {
  await using folder = await temporaryFolder()
  await lay(join(folder.path, 'own'), LIBTORCH)
  let asked = 0
  await using server = await serve((_, response) => (asked++, response.writeHead(500).end()))
  await libtorch(context(folder.path, { LIBTORCH: join(folder.path, 'own'), TORCHGRAFT_LIBTORCH_MIRROR: server.url, PATH: '/nonexistent' }))
  expect([asked, await readdir(folder.path)]).toEqual([0, ['own']])
})

test('killed half-way, run again it goes on from there', async () => {
  await using folder = await temporaryFolder()
  const zip = makeZip(Object.fromEntries(Object.entries(LIBTORCH).map(([path, text]) => [`libtorch/${path}`, text])))
  const ranges: (string | undefined)[] = []
  await using server = await serve((request, response) => {
    ranges.push(request.headers.range)
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = from > 0 && { 'Content-Range': `bytes ${from}-${zip.length - 1}/${zip.length}` }
    response.writeHead(from > 0 ? 206 : 200, { 'Content-Length': zip.length - from, ...range })
    if (from > 0) response.end(zip.subarray(from))
    else response.write(zip.subarray(0, 1000)) // and no more comes
  })
  const remote = { url: `${server.url}/x.zip`, bytes: zip.length, sha256: createHash('sha256').update(zip).digest('hex') }
  const code = `
    const { fetchLibtorch } = await import('${pathToFileURL(join(ROOT, 'scripts/libtorch/fetch.mjs')).href}')
    const progress = (_, work) => work(() => {})
    await fetchLibtorch({ root: '${folder.path}', env: { TORCHGRAFT_LIBTORCH: 'cpu', PATH: '/nonexistent' }, progress }, ${JSON.stringify(remote)})
  `
  const { NODE_OPTIONS: _, ...env } = process.env
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { env, stdio: 'ignore' })
  const part = join(folder.path, '.torchgraft/fetching/libtorch.zip.part')
  await until('some of the archive has come', async () => ((await stat(part).catch(() => undefined))?.size ?? 0) > 0)
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  expect((await ended)[1]).toBe('SIGKILL')
  await fetchLibtorch(context(folder.path, { TORCHGRAFT_LIBTORCH: 'cpu', PATH: '/nonexistent' }), remote)
  expect(ranges[0]).toBeUndefined()
  expect(ranges.slice(1)).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)])
  expect((await readdir(join(folder.path, '.torchgraft/libtorch-2.13.0-cpu/torch'))).sort()).toEqual(['build-version', 'lib'])
})
