import { checkCpuCapability, processorFeatures } from '../../../src/addon/processor.js'
import { cannotHold } from '../../helpers/processes/cpu-capability.js'

/** As Linux tells of them, in part. */
const cpuinfo = (flags: string): string => `processor\t: 0\nmodel name\t: Some Processor\nflags\t\t: fpu vme ${flags} sse2\nbugs\t\t: spectre_v1\n\nprocessor\t: 1\nflags\t\t: none\n`
const AVX2 = 'avx f16c fma avx2 bmi2'
const AVX512 = `${AVX2} avx512f avx512dq avx512cd avx512bw avx512vl`
const PROCESSORS = {
  'one of 2011, with AVX': 'avx',
  'AVX2 without FMA': 'avx avx2 f16c',
  'Zen 3': AVX2,
  'Xeon Phi, whose AVX-512 lacks what libtorch takes': `${AVX2} avx512f avx512cd avx512er avx512pf`,
  'Zen 4': AVX512,
  'Sapphire Rapids': `${AVX512} avx512_bf16 amx_bf16 amx_tile`,
} as const
const featuresOf = (name: keyof typeof PROCESSORS): ReadonlySet<string> => processorFeatures(() => cpuinfo(PROCESSORS[name]))!

describe('ATEN_CPU_CAPABILITY, which libtorch takes at its word', () => {
  test.each([
    ['avx2', 'one of 2011, with AVX', 'avx2, fma, f16c', 'default'],
    ['avx2', 'AVX2 without FMA', 'fma', 'default'],
    ['avx512', 'one of 2011, with AVX', 'avx2, fma, f16c, avx512f, avx512bw, avx512dq, avx512vl', 'default'],
    ['avx512', 'Zen 3', 'avx512f, avx512bw, avx512dq, avx512vl', 'avx2'],
    ['avx512', 'Xeon Phi, whose AVX-512 lacks what libtorch takes', 'avx512bw, avx512dq, avx512vl', 'avx2'],
  ] as const)('%s is refused on %s, with what is missing and what can be had', (level, name, missing, highest) => {
    const message = `ATEN_CPU_CAPABILITY=${level} asks libtorch for instructions that this processor does not have (${missing}). Unset it, or set it to ${highest}`
    expect(() => checkCpuCapability({ ATEN_CPU_CAPABILITY: level }, featuresOf(name))).toThrow(expect.objectContaining({ code: 'ERR_DEVICE', message }))
  })

  test.each([
    [undefined, 'one of 2011, with AVX'], ['', 'one of 2011, with AVX'], ['default', 'one of 2011, with AVX'], ['avx2', 'Zen 3'], ['avx2', 'Zen 4'], ['avx512', 'Zen 4'], ['avx512', 'Sapphire Rapids'],
    ['AVX512', 'Zen 3'], ['sve256', 'Zen 3'], ['toString', 'Zen 3'], // libtorch passes over what it does not know
  ] as const)('%s is taken on %s', (level, name) => {
    expect(() => checkCpuCapability({ ATEN_CPU_CAPABILITY: level }, featuresOf(name))).not.toThrow()
  })

  test('is not looked at where the instructions are not known', () => {
    expect(processorFeatures(() => 'processor\t: 0\nFeatures\t: fp asimd sve\n')).toBeUndefined()
    expect(processorFeatures(() => { throw new Error('ENOENT') })).toBeUndefined()
  })
})

test.each([
  ['default', 'one of 2011, with AVX', undefined],
  ['avx2', 'one of 2011, with AVX', 'this processor has no avx2, fma, f16c'],
  ['avx512', 'Zen 3', 'this processor has no avx512f, avx512bw, avx512dq, avx512vl'],
  ['avx512', 'Zen 4', undefined],
] as const)('a test that holds libtorch to %s on %s is skipped for: %s', (level, name, reason) => {
  expect(cannotHold(level, featuresOf(name))).toBe(reason)
})
