import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { spawn, spawnSync } from 'node:child_process'
import { cpuArchive } from '../../scripts/libtorch/archives.mjs'
import { download, type Remote } from '../../scripts/libtorch/download.mjs'
import { chooseBuild, fetchLibtorch } from '../../scripts/libtorch/fetch.mjs'
import { fetchHeaders } from '../../scripts/libtorch/headers.mjs'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { unzip } from '../../scripts/libtorch/unzip.mjs'
import { requirements, wheelsOf, wheelTags } from '../../scripts/libtorch/wheels.mjs'
import { findBreaches } from '../../scripts/check-wall.mjs'
import { waitForLock } from '../../scripts/setup/wait-for-lock.mjs'
import { runCommand } from '../../scripts/setup/run-command.mjs'
import { isUpToDate, writeStamp } from '../../scripts/setup/stamp.mjs'
import { hashInputs } from '../../scripts/shared/hashes.mjs'
import { ROOT, runNode } from '../helpers/processes/child.js'
import { makeZip } from '../helpers/files/make-zip.mjs'
import { skip } from '../helpers/skip.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const BIG = 'x'.repeat(2000)
/** The files of a libtorch, as far as they are looked at. */
const tree = (root: string, version = '2.13.0+cpu'): Record<string, string> => ({
  [`${root}/lib/libtorch.so`]: BIG, [`${root}/lib/libtorch_cpu.so`]: BIG, [`${root}/lib/libc10.so`]: BIG, [`${root}/lib/libtorch.dylib`]: BIG, [`${root}/lib/libtorch_cpu.dylib`]: BIG,
  [`${root}/include/torch/torch.h`]: '//', [`${root}/version.py`]: `__version__ = '${version}'\n`,
})
const archiveTree = (): Record<string, string> => {
  const { 'libtorch/version.py': _, ...files } = tree('libtorch')
  return { ...files, 'libtorch/build-version': '2.13.0+cpu\n' }
}

async function lay(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

/** The lines of a false python3 that keep what it was asked, and which requirements. */
const ASKED = (root: string): string => `echo "$@" >> ${root}/asked; case "$*" in *requirements.txt) cat requirements.txt >> ${root}/asked; esac`

/** A server of one file, and what it was asked for. */
async function serve(listener: RequestListener): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void (server.closeAllConnections(), server.close(), await once(server, 'close')) }
}

const remote = (url: string, zip: Buffer): Remote => ({ url, bytes: zip.length, sha256: createHash('sha256').update(zip).digest('hex') })

function context(root: string, env: NodeJS.ProcessEnv = { TORCHGRAFT_LIBTORCH: 'cpu', PATH: '/nonexistent' }) {
  const said: string[] = []
  const progress = async <T>(title: string, work: (tell: (detail: string) => void) => Promise<T>): Promise<T> => {
    said.push(title)
    return work((detail) => said.push(detail))
  }
  return { root, env, progress, said }
}

const fetched = (root: string): string => join(root, '.torchgraft/libtorch-2.13.0-cpu/torch')

describe('fetching libtorch by its archive', () => {
  const zip = makeZip(archiveTree(), { deflate: true })

  test('downloads, checks, unpacks, and is found afterwards', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((_, response) => response.end(zip))
    const setting = context(folder.path)
    await fetchLibtorch(setting, remote(`${server.url}/libtorch.zip`, zip))
    expect(setting.said).toContain('Fetching libtorch 2.13.0, CPU build, 0 MB')
    expect(await readdir(join(folder.path, '.torchgraft'))).toEqual(['libtorch-2.13.0-cpu'])
    expect(locateLibtorch({ root: folder.path, env: {} }).found).toMatchObject({ folder: fetched(folder.path), version: '2.13.0+cpu', cuda: false, source: 'set-up' })
  })

  test('goes on where a connection was cut', async () => {
    await using folder = await temporaryFolder()
    const ranges: (string | undefined)[] = []
    const cut = Math.floor(zip.length / 2)
    await using server = await serve((request, response) => {
      ranges.push(request.headers.range)
      if (ranges.length === 1) {
        response.writeHead(200, { 'Content-Length': zip.length })
        response.write(zip.subarray(0, cut), () => setTimeout(() => response.destroy(), 50))
      } else {
        const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1])
        response.writeHead(206, { 'Content-Range': `bytes ${from}-${zip.length - 1}/${zip.length}` }).end(zip.subarray(from))
      }
    })
    const archive = remote(`${server.url}/libtorch.zip`, zip)
    await expect(fetchLibtorch(context(folder.path), archive)).rejects.toThrow(/broke off after \d+ of \d+ bytes.*Run it again: it goes on from there/)
    expect(existsSync(fetched(folder.path))).toBe(false)
    await fetchLibtorch(context(folder.path), archive)
    expect(ranges).toEqual([undefined, `bytes=${cut}-`])
    expect(existsSync(fetched(folder.path))).toBe(true)
  })

  test('a server that knows no ranges sends all of it again', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { '.torchgraft/fetching/libtorch.zip.part': 'half of something' })
    await using server = await serve((_, response) => response.end(zip))
    await fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, zip))
    expect(existsSync(fetched(folder.path))).toBe(true)
  })

  test.each([
    ['another part of it', 206, (size: number) => `bytes 0-4/${size}`], ['a part without saying which', 206, undefined], ['the rest of a file of another size', 206, (size: number) => `bytes 6-${size}/${size + 1}`],
    ['that there is no such part', 416, (size: number) => `bytes */${size}`],
  ])('where the rest is asked for and a server sends %s, all of it is asked for', async (_, status, range) => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { '.torchgraft/fetching/libtorch.zip.part': 'before' })
    const ranges: (string | undefined)[] = []
    await using server = await serve((request, response) => {
      ranges.push(request.headers.range)
      if (request.headers.range === undefined) response.end(zip)
      else response.writeHead(status, range && { 'Content-Range': range(zip.length) }).end('wrong')
    })
    await fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, zip))
    expect(ranges).toEqual(['bytes=6-', undefined])
    expect(existsSync(fetched(folder.path))).toBe(true)
  })

  test('a part of it in place of all of it is refused', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((_, response) => response.writeHead(206, { 'Content-Range': `bytes 0-${zip.length - 1}/${zip.length}` }).end(zip))
    await expect(download(remote(server.url, zip), join(folder.path, 'a.zip'))).rejects.toThrow(/sent another part than was asked for \(bytes 0-\d+\/\d+, not bytes 0-\)/)
    expect(await readdir(folder.path)).toEqual([])
  })

  test('follows a redirect', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((request, response) => (request.url === '/real' ? response.end(zip) : response.writeHead(302, { Location: '/real' }).end()))
    await fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, zip))
    expect(existsSync(fetched(folder.path))).toBe(true)
  })

  test('another file in its place is refused, and not kept', async () => {
    await using folder = await temporaryFolder()
    const other = Buffer.from(zip)
    other[100]! ^= 1
    await using server = await serve((_, response) => response.end(other))
    await expect(fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, zip))).rejects.toThrow('is not the file that was expected')
    expect(await readdir(join(folder.path, '.torchgraft/fetching'))).toEqual(['unpacked'])
  })

  test('what is unpacked but is no libtorch is refused', async () => {
    await using folder = await temporaryFolder()
    const empty = makeZip({ 'libtorch/readme.txt': 'nothing' })
    await using server = await serve((_, response) => response.end(empty))
    await expect(fetchLibtorch(context(folder.path), remote(`${server.url}/a.zip`, empty))).rejects.toThrow(/cannot be used: there is no .*libtorch\.(so|dylib)/)
  })

  test('each platform’s archive is pinned; a mirror may have it', () => {
    expect(cpuArchive({}, 'linux-x64')).toMatchObject({ url: expect.stringMatching(/^https:.*2\.13\.0%2Bcpu\.zip$/), bytes: 126_385_248 })
    expect(cpuArchive({ TORCHGRAFT_LIBTORCH_MIRROR: 'http://localhost:1/' }, 'darwin-arm64')?.url).toMatch(/^http:\/\/localhost:1\/libtorch\/cpu\//)
    expect(cpuArchive({}, 'linux-arm64')).toBeUndefined()
  })
})

describe('fetching libtorch by pip, where the archive cannot be reached', () => {
  /** A python3 that copies a wheel to where pip was told to. */
  async function fakePython(root: string, wheel: Buffer): Promise<NodeJS.ProcessEnv> {
    await lay(root, { 'bin/python3': `#!/bin/sh\n${ASKED(root)}\nwhile [ $# -gt 0 ]; do [ "$1" = --dest ] && mkdir -p "$2" && cp ${root}/the.whl "$2/torch-2.13.0.whl"; shift; done\nexit 0\n` })
    await writeFile(join(root, 'the.whl'), wheel)
    await chmod(join(root, 'bin/python3'), 0o755)
    return { TORCHGRAFT_LIBTORCH: 'cpu', PATH: `${root}/bin:/usr/bin:/bin` }
  }
  const nowhere: Remote = { url: 'http://127.0.0.1:9/none.zip', bytes: 1, sha256: '' }

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
  await chmod(join(path, 'bin/python3'), 0o755)
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

test('headers come out of a wheel of which a part is fetched', async () => {
  await using folder = await temporaryFolder()
  const wheel = makeZip({ 'torch/lib/libtorch.so': 'x'.repeat(9 << 20), 'torch/include/torch/headeronly/version.h': '#define A', 'torch/include/pybind11/pybind11.h': '//', 'torch/include/b.h': '#define B' })
  let sent = 0
  await using server = await serve((request, response) => {
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const start = from === '' ? Math.max(0, wheel.length - Number(to)) : Number(from)
    const part = wheel.subarray(start, from === '' ? wheel.length : Number(to) + 1)
    sent += part.length
    response.writeHead(206, { 'Content-Range': `bytes ${start}-${start + part.length - 1}/${wheel.length}` }).end(part)
  })
  const place = join(folder.path, 'headers')
  await fetchHeaders(`${server.url}/torch.whl`, place)
  expect(await readFile(join(place, 'torch/include/b.h'), 'utf8')).toBe('#define B')
  expect((await readdir(place, { recursive: true })).filter((name) => /\.(h|so|whl)$/.test(name)).sort()).toEqual(['torch/include/b.h', 'torch/include/torch/headeronly/version.h'])
  expect(sent).toBeLessThan(wheel.length)
})

describe('unzip', () => {
  test.each([[true], [false]])('unpacks what was put in, deflated %s', async (deflate) => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'a.zip'), makeZip({ 'a/b.txt': 'hello', 'empty': '', 'skip/c': 'x' }, { deflate }))
    await unzip(join(folder.path, 'a.zip'), join(folder.path, 'out'), { filter: (name) => !name.startsWith('skip') })
    expect(await readFile(join(folder.path, 'out/a/b.txt'), 'utf8')).toBe('hello')
    expect((await readdir(join(folder.path, 'out'))).sort()).toEqual(['a', 'empty'])
  })

  test.each(['../evil', 'a/../../evil', '/evil', 'a\\..\\evil', 'C:/evil'])('refuses an entry named %s before anything is written', async (name) => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'a.zip'), makeZip({ good: 'x', [name]: 'x' }))
    await expect(unzip(join(folder.path, 'a.zip'), join(folder.path, 'out'))).rejects.toThrow('lead out of the folder')
    expect(await readdir(folder.path)).toEqual(['a.zip'])
  })

  test('refuses damage, and files that are cut short', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a.zip')
    await writeFile(path, makeZip({ a: 'hello' }, { damage: true }))
    await expect(unzip(path, folder.path)).rejects.toThrow('a is damaged')
    await writeFile(path, makeZip({ a: 'hello' }).subarray(0, 40))
    await expect(unzip(path, folder.path)).rejects.toThrow('cut short')
  })
})

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

  test.each([
    ['no library', 'own/lib/libtorch.so', undefined, 'there is no'],
    ['an empty library', 'own/lib/libtorch_cpu.so', '', 'is cut short'],
    ['no version', 'own/version.py', '', 'its version cannot be told'],
    ['CUDA without NVIDIA’s libraries', 'own/lib/libtorch_cuda.so', BIG, "without NVIDIA's libraries"],
  ])('a folder with %s is refused', async (_, file, content, reason) => {
    if (process.platform !== 'linux') return
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

describe('steps that are up to date', () => {
  test('are told by the hashes of their inputs: any change, new file or removal counts', async () => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await lay(path, { 'src/a.ts': '1', 'src/deep/b.ts': '2' })
    const hash = (): string => hashInputs(path, { files: ['src', 'missing'], words: ['w'] })
    const first = hash()
    const stamp = join(path, 'out', '.stamp')
    expect(isUpToDate(stamp, first)).toBe(false)
    writeStamp(stamp, first)
    expect(isUpToDate(stamp, hash())).toBe(true)
    await lay(path, { 'src/c.ts': '' })
    expect(isUpToDate(stamp, hash())).toBe(false)
    expect(hashInputs(path, { files: ['src'], words: ['other'] })).not.toBe(hash())
  })

  test('all of them: set-up says nothing', async () => {
    const end = await runNode(['scripts/setup.mjs'])
    expect(end).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  test('a second set-up waits for the first; a dead one’s lock is taken over', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'setup.lock')
    const said: string[] = []
    const release = await waitForLock(path, (line) => said.push(line))
    const second = waitForLock(path, (line) => said.push(line))
    setTimeout(() => void release(), 400)
    await (await second)()
    expect(said).toEqual([expect.stringContaining(`process ${process.pid}`)])
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    await writeFile(path, JSON.stringify({ pid: child.pid }))
    await (await waitForLock(path, () => {}))()
    expect(await readdir(folder.path)).toEqual([])
  })
})

test('a signal that ends set-up ends the command that it runs, too', async () => {
  await using folder = await temporaryFolder()
  const code = `
    const { runCommand } = await import('./scripts/setup/run-command.mjs')
    await runCommand(process.execPath, ['--eval', 'console.log(process.pid); setInterval(() => {}, 1000)'], { cwd: '.', log: '${folder.path}/log', onOutput: (text) => process.stdout.write(text) })
  `
  const end = await runNode(['--input-type=module', '--eval', code], { onOutput: (stdout, _, kill) => void (stdout.endsWith('\n') && kill('SIGINT')) })
  expect(end.signal).toBe('SIGINT')
  expect(() => process.kill(Number(end.stdout), 0)).toThrow('ESRCH')
})

test('a command that fails is told of with the end of its log', async () => {
  await using folder = await temporaryFolder()
  const failing = runCommand(process.execPath, ['--eval', 'console.log("line one"); console.error("the reason"); process.exit(3)'], { cwd: '.', log: join(folder.path, 'log'), advice: 'Try this.' })
  await expect(failing).rejects.toThrow(/failed \(code 3\)\. Try this\.[\s\S]*the reason[\s\S]*The whole log: .*log/)
})

describe('the wall between the C++ rooms', () => {
  test('stands', () => {
    expect(findBreaches(ROOT)).toEqual([])
  })

  test('is seen when it is broken, by file and line', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { 'native/torch/a.cc': '#include <vector>\n#include <napi.h>\n', 'native/torch/session/session.h': '#include <torch/types.h>\n', 'native/torch/kernels/e_avx2.cc': '#include <immintrin.h>\n#include <algorithm>\n', 'native/torch/kernels/f.cc': '#include <algorithm>\n#include <napi.h>\n', 'native/node/b.h': '# include <ATen/ATen.h>\n#include "torch/session/session.h"\n', 'native/loader/c.cc': '', 'native/images/g.cc': '', 'native/check/d.cc': '' })
    expect(findBreaches(folder.path)).toEqual(['native/torch/a.cc:2: includes Node-API', 'native/torch/kernels/f.cc:2: includes Node-API', 'native/node/b.h:1: includes libtorch', 'native/torch/kernels/e_avx2.cc:2: is compiled for some processors, and includes what others share', 'native/torch/session/session.h:1: is seen by native/node, and includes libtorch'])
  })
})
