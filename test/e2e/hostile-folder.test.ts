import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runCli, runNode } from '../helpers/processes/child.js'
import { skip } from '../helpers/skip.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const module = (path: string): string => JSON.stringify(new URL(`../../${path}`, import.meta.url).href)
const RUN = 'came-to-run'
const PYTHON = `open(${JSON.stringify(RUN)}, "a").write(__name__)\n`
const NODE = `require('node:fs').appendFileSync(${JSON.stringify(RUN)}, __filename); module.exports = { InferenceSession: {}, Tensor: class {} }`

/** What somebody may have put among images, for whatever runs there to find. */
const TRAPS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['torch', 'pip', 'importlib', 'site', 'os', 'encodings', 'sitecustomize', 'usercustomize'].flatMap((name) => [[`${name}/__init__.py`, PYTHON], [`${name}/__main__.py`, PYTHON]])),
  'torch/version.py': "__version__ = '2.13.0'\n",
  ...Object.fromEntries(['onnxruntime-node', 'onnxruntime-web', 'onnxruntime-common', 'sharp', 'long'].flatMap((name) => [[`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' })], [`node_modules/${name}/index.js`, NODE]])),
}

async function trappedFolder() {
  const folder = await temporaryFolder()
  for (const [path, text] of Object.entries(TRAPS)) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true })
    await writeFile(join(folder.path, path), text)
  }
  return folder
}

const hasPython = spawnSync('python3', ['--version']).status === 0

if (!hasPython) skip('no Python code of the folder of work runs', 'there is no python3')
else {
  test('where Python’s torch is asked for, the folder of work is not looked in', async () => {
    await using folder = await trappedFolder()
    const { LIBTORCH: _, ...env } = process.env
    const end = await runCli(['doctor', '--json'], { cwd: folder.path, env: { ...env, LIBTORCH_USE_PYTORCH: '1' } })
    expect(await readdir(folder.path)).not.toContain(RUN)
    expect(JSON.stringify((JSON.parse(end.stdout) as { tried: unknown }).tried)).not.toContain(folder.path)
  })

  test('torch that PYTHONPATH names, or that a user installed for themselves, is found as ever', async () => {
    await using folder = await trappedFolder()
    const found = async (env: NodeJS.ProcessEnv): Promise<string> => {
      const program = `import { locateLibtorch } from ${module('scripts/libtorch/locate.mjs')}; console.log(JSON.stringify(locateLibtorch({ root: '/nowhere' }).tried))`
      const end = await runNode(['--input-type=module', '-e', program], { env: { PATH: process.env['PATH'], LIBTORCH_USE_PYTORCH: '1', ...env } })
      return end.stdout
    }
    await mkdir(join(folder.path, 'mine/torch'), { recursive: true })
    await writeFile(join(folder.path, 'mine/torch/__init__.py'), '')
    expect(await found({ PYTHONPATH: join(folder.path, 'mine') })).toContain(join(folder.path, 'mine/torch'))
    const site = spawnSync('python3', ['-c', 'import site; print(site.getusersitepackages())'], { encoding: 'utf8', env: { PATH: process.env['PATH'], PYTHONUSERBASE: join(folder.path, 'base') } }).stdout.trim()
    await mkdir(join(site, 'torch'), { recursive: true })
    await writeFile(join(site, 'torch/__init__.py'), '')
    if ((await found({})).includes('has no torch')) expect(await found({ PYTHONUSERBASE: join(folder.path, 'base') })).toContain(join(site, 'torch'))
  })

  test('set-up starts pip in a folder of its own', async () => {
    await using folder = await trappedFolder()
    await using own = await temporaryFolder()
    await mkdir(join(own.path, 'bin'))
    await writeFile(join(own.path, 'bin/python3'), `#!/bin/sh\ncase "$*" in *download*) echo no network; exit 1;; esac\nexec ${spawnSync('sh', ['-c', 'command -v python3'], { encoding: 'utf8' }).stdout.trim()} "$@"\n`)
    await chmod(join(own.path, 'bin/python3'), 0o755)
    const program = `
      import { fetchLibtorch } from ${module('scripts/libtorch/fetch.mjs')}
      const context = { root: ${JSON.stringify(own.path)}, env: { ...process.env, TORCHGRAFT_LIBTORCH: 'cpu' }, progress: (title, work) => work(() => {}) }
      await fetchLibtorch(context, { url: 'http://127.0.0.1:9/none.zip', bytes: 1, sha256: '' }).catch((error) => console.log(error.message))`
    const end = await runNode(['--input-type=module', '-e', program], { cwd: folder.path, env: { ...process.env, PATH: `${own.path}/bin:${process.env['PATH']}` } })
    expect(end.stdout).toContain('no network')
    expect(await readdir(folder.path)).not.toContain(RUN)
  })
}

test('onnxruntime is looked for around torchgraft and the program, not in the folder of work', async () => {
  await using folder = await trappedFolder()
  await using app = await temporaryFolder()
  const load = `import { loadOnnxRuntime } from ${module('dist/inference/onnx/onnx-runtime.js')}; console.log(await loadOnnxRuntime(['onnxruntime-node']).then(({ name }) => name, ({ code }) => code))`
  await writeFile(join(app.path, 'program.mjs'), load)
  const ask = async (): Promise<string> => (await runNode([join(app.path, 'program.mjs')], { cwd: folder.path })).stdout
  const first = await ask()
  if (!first.startsWith('onnxruntime-node')) expect(first).toBe('ERR_RUNTIME_MISSING\n')
  expect(await readdir(folder.path)).not.toContain(RUN)
  await mkdir(join(app.path, 'node_modules/onnxruntime-node'), { recursive: true })
  await writeFile(join(app.path, 'node_modules/onnxruntime-node/index.js'), 'module.exports = {}')
  expect(await ask()).toBe('onnxruntime-node\n')
})

test('the whole command line loads no module of the folder of work', async () => {
  await using folder = await trappedFolder()
  for (const args of [['--help'], ['weights'], ['stats', '.'], ['inspect', 'nothing'], ['export', 'nothing.safetensors', '--format', 'web'], ['predict', 'nothing.onnx', 'nothing.jpg']]) await runCli(args, { cwd: folder.path })
  expect(await readdir(folder.path)).not.toContain(RUN)
})

test.each([{ HOME: '' }, { HOME: '.' }, { XDG_CACHE_HOME: 'cache' }, { HOME: '', XDG_CACHE_HOME: '' }])('the cache, which libtorch and the addon are opened from, is not in the folder of work with %j', async (env) => {
  await using folder = await temporaryFolder()
  const end = await runNode(['--input-type=module', '-e', `import { cacheFolder } from ${module('scripts/common/paths.mjs')}; console.log(cacheFolder())`], { cwd: folder.path, env: { PATH: process.env['PATH'], ...env } })
  expect(end.stdout).toMatch(/^\/.*\/torchgraft\n$/)
  expect(end.stdout).not.toContain(folder.path)
})
