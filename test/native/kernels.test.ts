import { cannotHold } from '../helpers/processes/cpu-capability.js'
import { engineCheckWith } from '../helpers/processes/engine-check.js'
import { skip } from '../helpers/skip.js'

/** Of the largest number: sums of some thousand products in float32; bf16 has 8 bits, and the gradient behind ReLU is rounded too. */
const LEAST = { fp32: 2e-6, bf16: 2 ** -7 }

/** Held down as libtorch's own kernels are. */
const LEVELS = ['default', 'avx2', 'avx512'] as const

/** r: ReLU, a: something is added before it, f: two readers of the output, z: running statistics. */
const KINDS = ['', 'r', 'rf', 'a', 'af', 'z', 'rz', 'afz']

/** Channels that fill vectors and that leave some of every width; rows that leave some for the last thread and chunk. */
const SHAPES = ['4x104x13x13', '3x37x9x7', '1x1x5x3', '2x8x2x1', '5x24x17x16']

/** Without the single channel, whose one sum of products nearly cancels. */
const EXCITED = [...SHAPES.filter((shape) => shape !== '1x1x5x3'), '1x3x5x3']

const RESULTS = ['batches', 'dbias', 'dweight', 'dx', 'running_mean', 'running_var', 'y']

type Found = Readonly<Record<string, Readonly<Record<string, readonly [ours: number, theirs: number]>>>>

for (const level of LEVELS) {
  const lacks = cannotHold(level)
  if (lacks) skip(`kernels, instructions: ${level}`, lacks)
  else describe(`kernels, instructions: ${level}`, () => checkKernels(level))
}

function checkKernels(level: (typeof LEVELS)[number]): void {
  test.each(['fp32', 'bf16'] as const)('%s: results and gradients of batch norm in one with its sum and ReLU are as near to double precision as libtorch’s, and the same each time', async (precision) => {
    const found = (await engineCheckWith({ ATEN_CPU_CAPABILITY: level, OMP_NUM_THREADS: '2' }, 'norm', precision, ...SHAPES)) as Found
    expect(Object.keys(found)).toEqual(KINDS.flatMap((kind) => SHAPES.map((shape) => `${kind} ${shape}`)))
    for (const [kind, results] of Object.entries(found)) {
      expect(Object.keys(results).sort()).toEqual([...RESULTS, ...(kind.startsWith('a') ? ['dadded'] : [])].sort())
      const further = Object.entries(results).filter(([, [ours, theirs]]) => !(ours <= Math.max(LEAST[precision], theirs)))
      expect([kind, further]).toEqual([kind, []])
    }
  }, 120_000)

  test.each(['fp32', 'bf16'] as const)('%s: so are those of squeeze-and-excitation', async (precision) => {
    const found = (await engineCheckWith({ ATEN_CPU_CAPABILITY: level, OMP_NUM_THREADS: '2' }, 'excitation', precision, ...EXCITED)) as Found
    expect(Object.keys(found)).toEqual(EXCITED)
    for (const [shape, results] of Object.entries(found)) {
      expect(Object.keys(results).sort()).toEqual(['db1', 'db2', 'dw1', 'dw2', 'dx', 'y'])
      const further = Object.entries(results).filter(([, [ours, theirs]]) => !(ours <= Math.max(LEAST[precision], theirs)))
      expect([shape, further]).toEqual([shape, []])
    }
  }, 120_000)
}
