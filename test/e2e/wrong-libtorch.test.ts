import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { readdirSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { locateLibtorch } from '../../scripts/libtorch/locate.mjs'
import { checkMapped } from '../../src/addon/mapped-libtorch.js'
import { type ChildEnd, ROOT, runNode } from '../helpers/processes/child.js'
import { skip } from '../helpers/skip.js'

/** Asks for a session, tells how that was refused, and that it lives. */
const CODE = `
  import { Session } from './dist/index.js'
  const error = await Session.create({ model: 'regnet_y_400mf', classes: 2 }).catch((reason) => reason)
  console.log(JSON.stringify({ name: error.name, code: error.code, message: error.message }))
  console.log('alive')
`

let folder = ''
const at = (...path: string[]): string => join(folder, ...path)
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'torchgraft-wrong-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

const ask = (env: NodeJS.ProcessEnv): Promise<ChildEnd> => runNode(['--input-type=module', '--eval', CODE], { env: { ...process.env, LIBTORCH: '', ...env, TORCHGRAFT_HOME: at('home') } })

async function refusal(env: NodeJS.ProcessEnv): Promise<unknown> {
  const { stdout, stderr } = await ask(env)
  const [told = '', alive] = stdout.split('\n')
  expect([alive, stderr]).toEqual(['alive', ''])
  return JSON.parse(told)
}

/** A libtorch of a few lines, as far as it is looked at. */
async function makeLibtorch(name: string, { abi = 0x020d, code = '', more = [] as readonly string[], version = '2.13.0' } = {}): Promise<string> {
  const lib = at(name, 'lib')
  await mkdir(lib, { recursive: true })
  await writeFile(at(name, 'version.py'), `__version__ = '${version}'\n`)
  await writeFile(at('stub.c'), `unsigned long aoti_torch_abi_version(void) { return ${abi}ul << 48; }\n${code}`)
  for (const [file, flags] of [['libtorch_cpu.so', []], ['libtorch.so', ['-Wl,--no-as-needed', '-L', lib, '-ltorch_cpu', ...more, `-Wl,--enable-new-dtags,-rpath,$ORIGIN`]]] as const) {
    const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-o', join(lib, file), `-Wl,-soname,${file}`, at('stub.c'), ...flags], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  return at(name)
}

if (process.platform !== 'linux') skip('the wrong libtorch in every place', 'these places are those of Linux')
else describe('the wrong libtorch is refused by name, and the process lives', () => {
  const refused = (code: string, message: RegExp) => ({ name: 'TorchgraftError', code, message: expect.stringMatching(message) })

  test('in LD_LIBRARY_PATH, which is asked before the folder that was meant', async () => {
    const other = await makeLibtorch('ld', { abi: 0x020c })
    expect(await refusal({ LD_LIBRARY_PATH: join(other, 'lib') })).toEqual(refused('ERR_LIBTORCH_VERSION', /Another libtorch came with .*libtorch\.so, by way of LD_LIBRARY_PATH.*ld\/lib\/libtorch_cpu\.so\. Take .*ld\/lib out of them/))
  })

  test('in a folder whose version.py is not that of its libraries', async () => {
    const other = await makeLibtorch('lies', { abi: 0x020c })
    expect(await refusal({ LIBTORCH: other })).toEqual(refused('ERR_LIBTORCH_VERSION', /built for libtorch 2\.13, and .*lies holds 2\.12\. Point LIBTORCH at a 2\.13, or run/))
  })

  test.each([
    ['of another minor', async () => `echo ${await makeLibtorch('python/torch', { version: '2.12.1+cu126' })}`, 'ERR_LIBTORCH_VERSION', /built for libtorch 2\.13, and .*python\/torch holds 2\.12\.1\+cu126/],
    ['that is not there', async () => 'echo', 'ERR_LIBTORCH_MISSING', /LIBTORCH_USE_PYTORCH: python3 has no torch: pip install torch==2\.13\.0/],
  ])('in Python: one %s', async (_, makeScript, code, message) => {
    await mkdir(at('bin'), { recursive: true })
    await writeFile(at('bin/python3'), `#!/bin/sh\n${await makeScript()}\n`)
    await chmod(at('bin/python3'), 0o755)
    expect(await refusal({ LIBTORCH_USE_PYTORCH: '1', PATH: `${at('bin')}:/usr/bin:/bin` })).toEqual(refused(code, message))
  })

  test('where there is no Python', async () => {
    expect(await refusal({ LIBTORCH_USE_PYTORCH: '1', PATH: '/nonexistent' })).toEqual(refused('ERR_LIBTORCH_MISSING', /neither python3 nor python could be started/))
  })

  test('a system’s, which says no version', async () => {
    const system = await makeLibtorch('usr')
    await rm(join(system, 'version.py'))
    expect(await refusal({ LIBTORCH: system })).toEqual(refused('ERR_LIBTORCH_MISSING', /neither version\.py nor build-version, so its version cannot be told/))
  })

  test('a CUDA build whose other libraries are not there', async () => {
    const cuda = await makeLibtorch('cuda')
    spawnSync('cc', ['-shared', '-o', join(cuda, 'lib/libcudnn.so.9'), '-Wl,-soname,libcudnn.so.9', '-x', 'c', '/dev/null'])
    const linked = await makeLibtorch('cuda', { more: [join(cuda, 'lib/libcudnn.so.9')] })
    await rm(join(cuda, 'lib/libcudnn.so.9'))
    expect(await refusal({ LIBTORCH: linked })).toEqual(refused('ERR_ADDON', /A trial of .*cuda\/lib\/libtorch\.so in a process of its own failed: .*libcudnn\.so\.9: cannot open shared object file/))
  })

  test('a file that was cut short', async () => {
    const cut = await makeLibtorch('cut')
    await truncate(join(cut, 'lib/libtorch_cpu.so'), 8000)
    expect(await refusal({ LIBTORCH: cut })).toEqual(refused('ERR_ADDON', /A trial of .*cut\/lib\/libtorch\.so .*failed: it ended (?:by SIG(?:BUS|SEGV)|with code 1 \(.*(?:too short|invalid|cannot))/))
  })

  test('one that crashes when it is opened', async () => {
    const crashing = await makeLibtorch('crash', { code: '__attribute__((constructor)) static void crash(void) { *(volatile int *)0 = 1; }\n' })
    expect(await refusal({ LIBTORCH: crashing })).toEqual(refused('ERR_ADDON', /failed: it ended by SIGSEGV.*point LIBTORCH at another/))
  })

  test('one of the right version that lacks what the addon needs', async () => {
    const hollow = await makeLibtorch('hollow')
    expect(await refusal({ LIBTORCH: hollow })).toEqual(refused('ERR_ADDON', /A trial of .*hollow.*failed: it ended with code 1 \(.*(?:libc10\.so|undefined symbol)/))
  })

  test('what is right stays right beside a LD_LIBRARY_PATH that holds nothing of it', async () => {
    const { stdout } = await ask({ LD_LIBRARY_PATH: at('nothing') })
    expect(stdout).toContain('alive') // and no error has a name
    expect(stdout).not.toContain('TorchgraftError')
  })
})

test('a link to the library that was meant is no other one', async () => {
  const { found } = locateLibtorch({ root: ROOT })
  const library = join(folder, 'linked/lib/libtorch.so')
  await mkdir(dirname(library), { recursive: true })
  for (const name of readdirSync(join(found!.folder, 'lib')).filter((file) => file.endsWith('.so'))) await symlink(join(found!.folder, 'lib', name), join(dirname(library), name))
  const real = realpathSync(join(found!.folder, 'lib/libtorch_cpu.so'))
  expect(() => checkMapped(library, `7f00-7f01 r-xp 00000000 08:01 1  ${real}\n`)).not.toThrow()
  expect(() => checkMapped(library, `7f00-7f01 r-xp 00000000 08:01 1  ${real}\n7f02-7f03 r-xp 00000000 08:01 2  /opt/a b/libtorch_cpu.so\n`)).toThrow(/\/opt\/a b\/libtorch_cpu\.so/)
})
