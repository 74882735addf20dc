import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../helpers/processes/child.js'
import { makeImages } from '../helpers/images/image-folder.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const run = promisify(execFile)
/** Versions that these were written for. */
const TOOLS = { esbuild: '0.28', pnpm: '12', '@yarnpkg/cli-dist': '4' } as const

/** Uses what needs files of the package, and what does not. */
const PROGRAM = `
import { Classifier, dataStatistics, Session } from 'torchgraft'
const told = (error) => [error.code, error.message]
async function program() {
  const { count } = await dataStatistics({ data: 'photos' }).catch(({ code }) => ({ count: code }))
  const session = await Session.create({ model: 'regnet_y_400mf', classes: 2 }).then((made) => made.dispose(), told)
  const classifier = await Classifier.open('nothing.onnx').catch(told)
  console.log(JSON.stringify({ count, session, classifier }))
}
void program()
`
const BUNDLED = ['ERR_BUNDLED', expect.stringMatching(/was bundled.* Leave the package out of the bundle.*esbuild --external:torchgraft.*serverExternalPackages: \['torchgraft'\]/)]
const REQUIRE = "--banner:js=import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url)"

describe('the packed package', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let tarball: string
  let env: NodeJS.ProcessEnv
  const tool = (name: string): string => join(folder.path, 'tools', 'node_modules', '.bin', name)
  const app = async (name: string): Promise<string> => {
    const path = join(folder.path, name)
    await mkdir(path)
    await writeFile(join(path, 'package.json'), JSON.stringify({ name: 'an-app', version: '9.9.9', private: true, type: 'module' }))
    await makeImages(join(path, 'photos'), 8)
    return path
  }
  const inside = (cwd: string, file: string, args: readonly string[]) => run(file, args, { cwd, env, maxBuffer: 1 << 26 })

  beforeAll(async () => {
    folder = await temporaryFolder()
    const mine = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^LIBTORCH|^YARN_/.test(name))
    env = {
      ...Object.fromEntries(mine), TORCHGRAFT_HOME: join(folder.path, 'cache'), TORCHGRAFT_LIBTORCH: 'cpu', LIBTORCH: '/nowhere',
      YARN_NODE_LINKER: 'pnp', YARN_ENABLE_GLOBAL_CACHE: '0', YARN_ENABLE_TELEMETRY: '0', YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
    }
    await mkdir(join(folder.path, 'tools'))
    await inside(folder.path, 'npm', ['install', '--no-audit', '--no-fund', '--prefix', join(folder.path, 'tools'), ...Object.entries(TOOLS).map(([name, version]) => `${name}@${version}`)])
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder.path], { cwd: ROOT, env })
    tarball = join(folder.path, (JSON.parse(stdout) as [{ filename: string }])[0].filename)
  }, 300_000)

  afterAll(() => folder[Symbol.asyncDispose]())

  test('is installed by npm without a script, its own or of what it needs; bundled by esbuild it says to be left out, and left out it works', async () => {
    const path = await app('by npm')
    await inside(path, 'npm', ['install', '--no-audit', '--no-fund', tarball])
    const lock = JSON.parse(await readFile(join(path, 'package-lock.json'), 'utf8')) as { packages: Record<string, { hasInstallScript?: boolean }> }
    expect(Object.entries(lock.packages).flatMap(([name, { hasInstallScript }]) => (hasInstallScript ? [name] : []))).toEqual([])

    await writeFile(join(path, 'program.js'), PROGRAM)
    const bundle = async (out: string, ...flags: string[]): Promise<unknown> => {
      await inside(path, tool('esbuild'), ['program.js', '--bundle', '--platform=node', '--external:sharp', '--log-level=error', `--outfile=${out}`, ...flags])
      return JSON.parse((await inside(path, process.execPath, [out])).stdout)
    }
    expect(await bundle('bundles/a.mjs', '--format=esm', REQUIRE)).toMatchObject({ session: BUNDLED })
    expect(await bundle('bundles/b.cjs', '--format=cjs')).toMatchObject({ session: BUNDLED })
    const works = { count: 24, session: [expect.stringMatching(/^ERR_(ADDON|LIBTORCH_MISSING)$/), expect.stringContaining('/nowhere')], classifier: ['ERR_FILE_FORMAT', expect.any(String)] }
    expect(await bundle('bundles/c.mjs', '--format=esm', '--external:torchgraft')).toEqual(works)
  }, 300_000)

  test('is added by pnpm, which lets an installation fail over a script that it did not run', async () => {
    const path = await app('by pnpm')
    await inside(path, tool('pnpm'), ['add', '--config.strictDepBuilds=true', tarball])
    expect((await inside(path, tool('pnpm'), ['exec', 'torchgraft', 'stats', 'photos'])).stdout).toContain('24 images of 3 classes')
  }, 300_000)

  test('runs out of Yarn’s Plug’n’Play, where nothing lies in node_modules', async () => {
    const path = await app('by yarn')
    await writeFile(join(path, 'yarn.lock'), '')
    await inside(path, tool('yarn'), ['add', `torchgraft@file:${tarball}`])
    const torchgraft = (...args: readonly string[]) => inside(path, tool('yarn'), ['torchgraft', ...args])
    expect((await torchgraft('stats', 'photos')).stdout).toContain('24 images of 3 classes')
    expect((await torchgraft('weights')).stdout).toContain('regnet_y_400mf-imagenet1k_v2')
  }, 300_000)
})
