import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../helpers/processes/child.js'
import { engineCheck, engineCheckWith, libtorchFolder } from '../helpers/processes/engine-check.js'
import { skip } from '../helpers/skip.js'

/** Of the largest number: sums of some thousand products in float32; bf16 has 8 bits, fp16 11; the gradient behind ReLU is rounded too. */
const LEAST = { fp32: 2e-6, bf16: 2 ** -7, fp16: 2 ** -10 }
const PRECISIONS = ['fp32', 'bf16', 'fp16'] as const

/** r: ReLU, a: something is added before it, f: two readers of the output, z: running statistics, n: infinities and a NaN in x. */
const KINDS = ['', 'r', 'rf', 'a', 'af', 'z', 'rz', 'rfz', 'az', 'afz', 'n', 'rn', 'afn', 'nz', 'rnz', 'afnz']

/** Channels, in eights, that leave threads of a block idle, or take two blocks; rows odd in number, few, one, and of several blocks. */
const SHAPES = ['4x104x13x13', '1x8x5x3', '1x16x1x1', '3x40x9x7', '5x24x17x16', '2x520x3x2']

/** Images that take one block, several side by side, and several one after another. */
const EXCITED = ['4x104x13x13', '2x440x7x7', '1x8x5x3', '5x24x17x16', '2x16x1x1', '2x520x2x3', '1x16x40x40']

type Found = Readonly<Record<string, Readonly<Record<string, readonly [ours: number, theirs: number]>>>>

/** What tells nothing. */
function isLeftOut(kind: string, shape: string | undefined, result: string): boolean {
  const [odd, learns] = [kind.includes('n'), !kind.includes('z')]
  return (learns && shape === '1x16x1x1' && result === 'running_var') // a single number has no spread: libtorch has NaN
    || (learns && odd && result === 'running_mean') // of infinities: infinite, or NaN
    || (!learns && odd && result === 'dx') // an infinite x, times the slope, which is 0
}

function further(found: Found, least: number): [kind: string, result: string, ours: number, theirs: number][] {
  return Object.entries(found).flatMap(([name, results]) => {
    const [kind, shape] = name.split(' ') as [string, string | undefined]
    return Object.entries(results)
      .filter(([result, [ours, theirs]]) => !isLeftOut(kind, shape, result) && !(ours <= Math.max(least, theirs)))
      .map(([result, [ours, theirs]]): [string, string, number, number] => [name, result, ours, theirs])
  })
}

describe('what a GPU’s kernels are compiled from, as C++, is as near to double precision as the CPU’s own kernels, and the same each time', () => {
  test.each(PRECISIONS)('%s: batch norm in one with its sum and ReLU, forward and backward', async (precision) => {
    const found = (await engineCheck('norm-kernels', precision, ...SHAPES)) as Found
    expect(Object.keys(found)).toEqual(KINDS.flatMap((kind) => SHAPES.map((shape) => `${kind} ${shape}`)))
    expect(Object.keys(found['afz 1x8x5x3']!).sort()).toEqual(['batches', 'dadded', 'dbias', 'dweight', 'dx', 'running_mean', 'running_var', 'y'])
    expect(further(found, LEAST[precision])).toEqual([])
  }, 180_000)

  test.each(PRECISIONS)('%s: squeeze-and-excitation, forward and backward', async (precision) => {
    const found = (await engineCheck('excitation-kernels', precision, ...EXCITED)) as Found
    expect(Object.keys(found)).toEqual(['', 'n '].flatMap((kind) => EXCITED.map((shape) => `${kind}${shape}`)))
    expect(Object.keys(found['1x8x5x3']!).sort()).toEqual(['db1', 'db2', 'dw1', 'dw2', 'dx', 'y'])
    expect(further(found, LEAST[precision])).toEqual([])
  }, 120_000)
})

test.each(['render_kernel', 'layer_kernel'])('%s includes nothing that NVRTC lacks', (name) => {
  const source = readFileSync(join(ROOT, 'build', `${name}.cc`), 'utf8').replaceAll(/#if !defined\(__CUDACC__\)[^]*?#endif/g, '')
  expect(source).toContain('__global__')
  expect(new Set(source.match(/# *include.*/g))).toEqual(new Set(['#include <cstdint>']))
})

/** What a thread of each kernel takes; of a device that NVRTC does not know, the bytes of PTX. */
type Compiled = Readonly<Record<string, Readonly<Record<string, readonly [registers: number, stack: number]>> | number>>

/** A multiprocessor has 65,536: enough for two blocks of 256 threads. */
const MOST_REGISTERS = 128

const nvrtc = process.env['TORCHGRAFT_TEST_NVRTC']
if (nvrtc === undefined) skip('compiling a GPU’s kernels', 'TORCHGRAFT_TEST_NVRTC names no folder with libnvrtc.so.13 or .12 (pip: nvidia-cuda-nvrtc)')
else test.each(['80', '86', '90', '120', '130'])('NVRTC compiles all kernels of a GPU, which need no memory beside registers, compute capability %s', async (capability) => {
  const env = { LD_LIBRARY_PATH: `${nvrtc}:${libtorchFolder()}` }
  const found = (await engineCheckWith(env, 'nvrtc', capability) as Record<string, Compiled>)[capability]!
  expect(Object.keys(found)).toEqual(['render', 'fp32', 'bf16', 'fp16'])
  for (const [source, kernels] of Object.entries(found)) {
    if (typeof kernels === 'number') expect(kernels).toBeGreaterThan(10_000)
    else {
      expect(Object.keys(kernels)).toHaveLength(source === 'render' ? 1 : 13)
      const heavy = Object.entries(kernels).filter(([, [registers, stack]]) => registers > MOST_REGISTERS || stack > 0)
      expect([source, heavy]).toEqual([source, []])
    }
  }
}, 120_000)

test('where NVRTC cannot be had, it is said which libraries were tried', async () => {
  const outcome = await engineCheck('nvrtc', '90').then((found) => String(Object.keys(found as object)), String)
  expect(outcome).toMatch(/^90$|NVRTC: .*libnvrtc\.so\.13: cannot open.*libnvrtc\.so\.12: cannot open/)
})
