import { execFile } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../helpers/processes/child.js'
import { COLOURS, makeImages } from '../helpers/images/image-folder.js'
import { skip } from '../helpers/skip.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const run = promisify(execFile)
const NODES = [22, 24]
/** npm has the program itself in packages of this name. */
const NODE_PACKAGE = `node-${process.platform}-${process.arch}`

/** A program as a user would write it. */
const PROGRAM = `
import { Classifier, train, TorchgraftError, type TrainingEvent } from 'torchgraft'

const seen = new Set<TrainingEvent['type']>()
const [data = '', output = ''] = process.argv.slice(2)
const result = await train({ data, output, weights: null, epochs: 1, size: 32, batchSize: 8, precision: 'fp32', threads: 1, onEvent: ({ type }) => seen.add(type) })
await using classifier = await Classifier.open(result.output + '/' + result.best.file)
const broken = await classifier.predict('nowhere.jpg').catch((error: unknown) => (error instanceof TorchgraftError ? error.code : 'another error'))
console.log(JSON.stringify({ node: process.versions.node, stop: result.stop, count: result.reloaded.count, events: [...seen], classes: classifier.classes, broken }))
`

describe('installed as a package, in a folder of its own', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let app: string
  let tarball: string
  let env: NodeJS.ProcessEnv
  const installed = (): Promise<string[]> => readdir(join(app, 'node_modules', 'torchgraft'), { recursive: true })
  const inApp = (file: string, args: readonly string[], extra: NodeJS.ProcessEnv = {}) =>
    run(file, args, { cwd: app, env: { ...env, ...extra }, maxBuffer: 1 << 26 })

  beforeAll(async () => {
    folder = await temporaryFolder()
    app = join(folder.path, 'an app')
    // What npm and jest tell their children is not about this folder; the cache is this test's own.
    const mine = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^LIBTORCH/.test(name))
    // Compiled anew as a user's is, and optimized less: the addon of set-up, which the other tests work, has all of it.
    env = { ...Object.fromEntries(mine), TORCHGRAFT_HOME: join(folder.path, 'cache'), npm_cmake_CMAKE_CXX_FLAGS_RELEASE: '-O1 -DNDEBUG' }
    await mkdir(app)
    await writeFile(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    await writeFile(join(app, 'program.ts'), PROGRAM)
    await makeImages(join(app, 'photos'), 8)
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder.path], { cwd: ROOT, env })
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
    tarball = join(folder.path, filename)
    await inApp('npm', ['install', '--no-audit', '--no-fund', tarball])
  }, 300_000)

  afterAll(() => folder[Symbol.asyncDispose]())

  test('the first command fetches libtorch and builds the addon into the user’s cache, saying so', async () => {
    const before = await installed()
    const { stdout, stderr } = await inApp('npx', ['torchgraft', 'train', 'photos', '--weights', 'none', '--epochs', '1', '--size', '32', '--batch-size', '8', '--threads', '1', '--json'])
    expect(stderr).toMatch(/(Fetching|Asking pip for) libtorch 2\.13\.0, C(PU|UDA) build, (about )?\d+ MB/)
    expect(stderr).toContain('Building the addon for libtorch 2.13.0')
    expect(JSON.parse(stdout)).toMatchObject({ output: 'runs/photos', stop: 'completed' })
    expect(await installed()).toEqual(before)
    expect((await readdir(join(folder.path, 'cache'))).map((name) => name.replace(/-\d.*/, '')).sort()).toEqual(['addon', 'addon.log', 'libtorch', 'pip.log', 'probes'].filter((name) => name !== 'pip.log' || stderr.includes('Asking pip')))
  }, 600_000)

  test('a model becomes ONNX, and predicts and becomes a page where the user installed onnxruntime-web', async () => {
    const model = 'runs/photos/best.safetensors'
    const noLibtorch = { TORCHGRAFT_HOME: join(folder.path, 'empty') }
    await inApp('npx', ['torchgraft', 'export', model, '--format', 'onnx'], noLibtorch)
    const refused = { code: 1, stderr: expect.stringContaining('npm install onnxruntime-web') }
    await expect(inApp('npx', ['torchgraft', 'export', model, '--format', 'web'])).rejects.toMatchObject(refused)
    const image = `photos/${COLOURS[0]}/0.png`
    await expect(inApp('npx', ['torchgraft', 'predict', 'runs/photos/best.onnx', image])).rejects.toMatchObject({ ...refused, stderr: expect.stringContaining('npm install onnxruntime-node') })
    await inApp('npm', ['install', '--no-audit', '--no-fund', 'onnxruntime-web'])
    await inApp('npx', ['torchgraft', 'export', model, '--format', 'web', '--output', 'page'])
    expect(await readdir(join(app, 'page'))).toEqual(expect.arrayContaining(['index.html', 'model.onnx', 'onnxruntime']))
    const predict = async (file: string, extra: NodeJS.ProcessEnv): Promise<number> => {
      const { stdout, stderr } = await inApp('npx', ['torchgraft', 'predict', file, image, '--json'], extra)
      expect(stderr).toBe('')
      return (JSON.parse(stdout) as [{ predictions: [{ probability: number }] }])[0].predictions[0].probability
    }
    expect(await predict('runs/photos/best.onnx', noLibtorch)).toBeCloseTo(await predict(model, {}), 1) // of bf16, where the processor has it
    expect(await readdir(folder.path)).not.toContain('empty')
  }, 300_000)

  test('out of Yarn’s Plug’n’Play, whose files have not all that Node’s have, it trains and goes on all the same', async () => {
    const tools = join(folder.path, 'tools')
    const place = join(folder.path, 'by yarn')
    await mkdir(place)
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', tools, '@yarnpkg/cli-dist@4'], { cwd: folder.path, env })
    await writeFile(join(place, 'package.json'), JSON.stringify({ name: 'an-app', private: true, type: 'module' }))
    await writeFile(join(place, 'yarn.lock'), '')
    await makeImages(join(place, 'photos'), 8)
    const pnp = { ...env, YARN_NODE_LINKER: 'pnp', YARN_ENABLE_GLOBAL_CACHE: '0', YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_IMMUTABLE_INSTALLS: '0' }
    const yarn = (...args: readonly string[]) => run(join(tools, 'node_modules', '.bin', 'yarn'), args, { cwd: place, env: pnp, maxBuffer: 1 << 26 })
    await yarn('add', `torchgraft@file:${tarball}`)
    const { stdout, stderr } = await yarn('torchgraft', 'train', 'photos', '--weights', 'none', '--epochs', '1', '--size', '32', '--batch-size', '8', '--threads', '1', '--json')
    expect(stderr).not.toContain('Building the addon')
    expect(JSON.parse(stdout)).toMatchObject({ output: 'runs/photos', stop: 'completed' })
    expect(JSON.parse((await yarn('torchgraft', 'train', '--resume', '--output', 'runs/photos', '--epochs', '2', '--json')).stdout)).toMatchObject({ stop: 'completed', epochs: 2 })
    expect((await yarn('torchgraft', 'export', 'runs/photos/best.safetensors', '--format', 'onnx')).stdout).toMatch(/^runs\/photos\/best\.onnx/)
  }, 300_000)

  test.each(['node16', 'bundler'])('types resolve under %s', async (resolution) => {
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
    const types = ['--typeRoots', join(ROOT, 'node_modules', '@types'), '--types', 'node']
    const how = ['--strict', '--target', 'es2022', '--lib', 'es2022,esnext.disposable', '--moduleResolution', resolution, '--module', resolution === 'node16' ? 'node16' : 'es2022']
    await inApp(process.execPath, [tsc, ...how, ...types, 'program.ts']).catch((error: { stdout: string }) => { throw new Error(error.stdout) })
  }, 60_000)

  test('a program trains and predicts, and nothing is set up again', async () => {
    const { stdout, stderr } = await inApp(process.execPath, ['program.js', 'photos', 'runs/program'])
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ stop: 'completed', count: 3, events: expect.arrayContaining(['start', 'step', 'epoch', 'checkpoint', 'stop']), classes: COLOURS, broken: 'ERR_IMAGE_DECODE' })
  }, 60_000)

  test('what is missing is told of with the command that a package has', async () => {
    const { stdout } = await inApp('npx', ['torchgraft', 'doctor', '--json'], { TORCHGRAFT_HOME: join(folder.path, 'empty') }).catch((error: { stdout: string }) => error)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, advice: [expect.stringContaining('npx torchgraft setup')] })
  }, 60_000)

  if (process.platform !== 'linux' || process.arch !== 'x64') skip(`Node ${NODES.join(' and ')}`, 'npm has programs of it for linux-x64')
  else test.each(NODES)('the same addon runs under Node %d', async (version) => {
    const place = join(folder.path, `node-${version}`)
    await mkdir(place)
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', place, `${NODE_PACKAGE}@${version}`], { cwd: place, env })
    const bin = join(place, 'node_modules', NODE_PACKAGE, 'bin')
    const { stdout, stderr } = await inApp(join(bin, 'node'), ['program.js', 'photos', `runs/node-${version}`], { PATH: [bin, process.env['PATH']].join(delimiter) })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ node: expect.stringMatching(new RegExp(`^${version}\\.`)), stop: 'completed' })
  }, 180_000)
})
