import { engineCheck } from '../helpers/processes/engine-check.js'

/** Of the largest number: sums of some thousand products in float32; bf16 has 8 bits, fp16 11; the gradient behind ReLU is rounded too. */
const LEAST = { fp32: 2e-6, bf16: 2 ** -7, fp16: 2 ** -10 }
const PRECISIONS = ['fp32', 'bf16', 'fp16'] as const

/** r: ReLU, a: something is added before it, f: two readers of the output, z: running statistics, n: infinities and a NaN in x. */
const KINDS = ['', 'r', 'rf', 'a', 'af', 'z', 'rz', 'rfz', 'az', 'afz', 'n', 'rn', 'afn', 'nz', 'rnz', 'afnz']

/** Channels, in eights, that leave threads of a block idle, or take two blocks; rows odd in number, few, one, and of several blocks. */
const SHAPES = ['4x104x13x13', '1x8x5x3', '1x16x1x1', '3x40x9x7', '5x24x17x16', '2x520x3x2']

type Found = Readonly<Record<string, Readonly<Record<string, readonly [ours: number, theirs: number]>>>>

/** What tells nothing. */
function isLeftOut(kind: string, shape: string, result: string): boolean {
  const [odd, learns] = [kind.includes('n'), !kind.includes('z')]
  return (learns && shape === '1x16x1x1' && result === 'running_var') // a single number has no spread: libtorch has NaN
    || (learns && odd && result === 'running_mean') // of infinities: infinite, or NaN
    || (!learns && odd && result === 'dx') // an infinite x, times the slope, which is 0
}

function further(found: Found, least: number): [kind: string, result: string, ours: number, theirs: number][] {
  return Object.entries(found).flatMap(([name, results]) => {
    const [kind, shape] = name.split(' ') as [string, string]
    return Object.entries(results)
      .filter(([result, [ours, theirs]]) => !isLeftOut(kind, shape, result) && !(ours <= Math.max(least, theirs)))
      .map(([result, [ours, theirs]]): [string, string, number, number] => [name, result, ours, theirs])
  })
}

describe('what a GPU’s kernels are compiled from, as C++, is as near to double precision as the CPU’s own kernels, and the same each time', () => {
  test.each(PRECISIONS)('%s: batch norm in one with its sum and ReLU, forward and backward', async (precision) => {
    const found = (await engineCheck('norm-kernels', precision, ...SHAPES)) as Found
    expect(Object.keys(found)).toEqual(KINDS.flatMap((kind) => SHAPES.map((shape) => `${kind} ${shape}`)))
    expect(Object.keys(found['afz 1x8x5x3']!).sort()).toEqual(['dadded', 'dbias', 'dweight', 'dx', 'running_mean', 'running_var', 'y'])
    expect(further(found, LEAST[precision])).toEqual([])
  }, 180_000)
})
