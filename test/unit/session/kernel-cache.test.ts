import { mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CompiledKernel, NativeSession, NativeSessionOptions } from '../../../src/addon/binding.js'
import { FILES } from '../../../src/formats/files/write-file.js'
import { createWithKernels, readKernels, writeKernels } from '../../../src/session/kernel-cache.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const kernel = (key: string, length = 100): CompiledKernel =>
  ({ key, code: Uint8Array.from({ length }, (_, i) => (i * 7 + key.length) % 256) })
const ONE = kernel('sm_90-nvrtc13.0-0123456789abcdef')
const OTHER = kernel('compute_100-nvrtc12.8-fedcba9876543210')
const byKey = (kernels: readonly CompiledKernel[]): CompiledKernel[] =>
  kernels.map(({ key, code }) => ({ key, code: Uint8Array.from(code) })).sort((a, b) => (a.key < b.key ? 1 : -1))
const fileOf = ({ key }: CompiledKernel): string => `${key}.kernel`

describe('compiled kernels in the user’s cache', () => {
  test('are read as they were written', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'made', 'kernels')
    expect(await readKernels(path)).toEqual([])
    await writeKernels([ONE, OTHER], path)
    expect(byKey(await readKernels(path))).toEqual([ONE, OTHER])
    expect((await readdir(path)).sort()).toEqual([fileOf(OTHER), fileOf(ONE)])
  })

  test.each<[string, (path: string) => Promise<void>]>([
    ['cut short', async (path) => writeFile(path, (await readFile(path)).subarray(0, -1))],
    ['cut short within its hash', async (path) => writeFile(path, (await readFile(path)).subarray(0, 9))],
    ['empty', (path) => writeFile(path, '')],
    ['changed in a byte', async (path) => writeFile(path, (await readFile(path)).map((byte, i) => (i === 60 ? byte ^ 1 : byte)))],
    ['another’s, by its name', (path) => rename(path, join(path, '..', fileOf({ ...ONE, key: 'sm_80-nvrtc13.0-0123456789abcdef' })))],
    ['larger than any kernel', (path) => writeFile(path, new Uint8Array(1 << 23))],
  ])('one that is %s is not given', async (_, change) => {
    await using folder = await temporaryFolder()
    await writeKernels([ONE, OTHER], folder.path)
    await change(join(folder.path, fileOf(ONE)))
    expect(byKey(await readKernels(folder.path))).toEqual([OTHER])
    await writeKernels([ONE], folder.path)
    expect(byKey(await readKernels(folder.path))).toEqual([ONE, OTHER])
  })

  test('lie among other things, which are let be', async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'a-folder.kernel'))
    await writeFile(join(folder.path, 'notes.txt'), 'mine')
    await writeKernels([ONE], folder.path)
    expect(byKey(await readKernels(folder.path))).toEqual([ONE])
    expect(await readFile(join(folder.path, 'notes.txt'), 'utf8')).toBe('mine')
  })

  test('do not grow without end: the oldest files go, those that a killed process left among them', async () => {
    await using folder = await temporaryFolder()
    const names = Array.from({ length: 31 }, (_, i) => `sm_90-nvrtc12.0-${i}.kernel`)
    for (const [i, name] of ['.0123456789ab.tmp', ...names].entries()) {
      await writeFile(join(folder.path, name), 'old')
      await utimes(join(folder.path, name), 1000 + i, 1000 + i)
    }
    await writeKernels([ONE, OTHER], folder.path)
    expect((await readdir(folder.path)).sort()).toEqual([...names.slice(1), fileOf(ONE), fileOf(OTHER)].sort())
  })

  test('by two processes at once are whole', async () => {
    await using folder = await temporaryFolder()
    const large = kernel(ONE.key, 1 << 16)
    await Promise.all([1, 2, 3, 4].map(() => writeKernels([large, OTHER], folder.path)))
    expect(byKey(await readKernels(folder.path))).toEqual([large, OTHER])
    expect((await readdir(folder.path)).length).toBe(2)
  })

  test('are not written to a disk that is full, and leave nothing there', async () => {
    await using folder = await temporaryFolder()
    const full = { ...FILES, open: async (path: string, flags: string) => {
      const file = await FILES.open(path, flags)
      return { ...file, write: () => Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' })) }
    } }
    await writeKernels([ONE], folder.path, full)
    expect(await readdir(folder.path)).toEqual([])
  })

  test('are neither read nor written where there is no folder to be had', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'a-file')
    await writeFile(path, '')
    await writeKernels([ONE], join(path, 'kernels'))
    expect(await readKernels(join(path, 'kernels'))).toEqual([])
  })
})

describe('a session', () => {
  const home = process.env['TORCHGRAFT_HOME']
  afterEach(() => {
    if (home === undefined) delete process.env['TORCHGRAFT_HOME']
    else process.env['TORCHGRAFT_HOME'] = home
  })

  /** An addon whose sessions compile what they are not given. */
  function standIn() {
    const given: (readonly CompiledKernel[])[] = []
    const createSession = async (_: NativeSessionOptions, kernels: readonly CompiledKernel[]): Promise<NativeSession> => {
      given.push(byKey(kernels))
      return { compiledKernels: [ONE, OTHER].filter(({ key }) => !kernels.some((known) => known.key === key)) } as unknown as NativeSession
    }
    return { binding: { createSession }, given }
  }

  test('on a GPU is given what earlier ones have compiled', async () => {
    await using folder = await temporaryFolder()
    process.env['TORCHGRAFT_HOME'] = folder.path
    const { binding, given } = standIn()
    for (let i = 0; i < 2; i++) await createWithKernels(binding, { device: 'cuda:0' } as NativeSessionOptions)
    expect(given).toEqual([[], [ONE, OTHER]])
    expect(await readdir(join(folder.path, 'kernels'))).toHaveLength(2)
  })

  test('on the CPU touches no cache', async () => {
    await using folder = await temporaryFolder()
    process.env['TORCHGRAFT_HOME'] = folder.path
    await writeKernels([ONE])
    const { binding, given } = standIn()
    await createWithKernels(binding, { device: 'cpu' } as NativeSessionOptions)
    expect(given).toEqual([[]])
    expect(await readdir(join(folder.path, 'kernels'))).toEqual([fileOf(ONE)])
  })
})
