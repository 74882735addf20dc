import { processorFeatures } from '../../src/addon/processor.js'
import { cannotHold } from '../helpers/processes/cpu-capability.js'
import { engineCheckWith } from '../helpers/processes/engine-check.js'
import { skip } from '../helpers/skip.js'

/** Distances of output, data gradient and weight gradient from libtorch's in double, relative to the largest number. */
type Distances = readonly (number | null)[]

interface Row {
  readonly name: string
  readonly own: Distances
  /** Of libtorch's own convolution in the same type; null: it came to no number. */
  readonly library: Distances
  /** Whether a second time came to the same bytes. */
  readonly repeats: boolean
}

// The order of sums differs, so of two roundings either may be the nearer one, by a few units in the last place.
const FLOAT_SLACK = 1e-6
const BF16_SLACK = 1e-4
const TIMES = 1.5

/** How often the program works each kind of loop for one type of number, where the processor has some for it. */
const TIMES_WORKED = { 'direct': 90, 'direct, not finite': 8, 'scored': 8, 'moments': 14, 'packed': 126 }
const KINDS = Object.keys(TIMES_WORKED) as (keyof typeof TIMES_WORKED)[]

const FEATURES = processorFeatures()
const AVX2 = cannotHold('avx2')
const AVX512 = cannotHold('avx512')
const AMX = FEATURES?.has('amx_bf16') ?? false

/**
 * What the chooser takes for output, data gradient and weight gradient (D direct, P packed, G libtorch's product, – its
 * convolution), by instructions and type: of 3×3 in groups of 8, 24, 64 and 232 channels, then of 1×1 from 3, 48, 104 and 208;
 * first with stride 1, then 2.
 */
const CHOSEN: Readonly<Record<string, readonly [stride1: string, stride2: string]>> = {
  'AVX2 Float': ['DDD DDD ––D ––– ––– PPP PPP PPP', 'DDD DDD DDD ––– ––– PPP PPP PPP'],
  'AVX-512 Float': ['DDD DDD ––– ––– ––– PP– PPP PPP', 'DDD DDD ––– ––– ––– PPP PPP PPP'],
  'AVX-512 BFloat16': ['––D DDD DD– ––– ––– ––– ––– –––', 'DDD DDD DD– ––– GG– GG– GG– GG–'],
}
const LETTERS: Readonly<Record<string, string>> = { direct: 'D', packed: 'P', product: 'G', library: '–' }

interface Processor {
  readonly title: string
  readonly env: NodeJS.ProcessEnv
  readonly level: 'AVX2' | 'AVX-512' | 'AMX'
  /** Why it is skipped. */
  readonly lacks: string | undefined
  /** Of numbers that there are loops for. */
  readonly types: readonly string[] | undefined
}

const TYPES = FEATURES && [...(AVX2 ? [] : ['Float']), ...(AVX512 || !FEATURES.has('avx512_bf16') ? [] : ['BFloat16'])]
/** A processor held down to one that has less: where it has no more, that would be the same again. */
const PROCESSORS: readonly Processor[] = [
  { title: 'this processor', env: {}, level: AMX ? 'AMX' : AVX512 ? 'AVX2' : 'AVX-512', lacks: undefined, types: TYPES },
  {
    title: 'AVX-512 without tiles', env: { ATEN_CPU_CAPABILITY: 'avx512' }, level: 'AVX-512',
    lacks: AVX512 ?? (AMX ? undefined : 'this processor has no tiles (amx_bf16): the same as “this processor”'), types: TYPES,
  },
  {
    title: 'AVX2 alone', env: { ATEN_CPU_CAPABILITY: 'avx2', ONEDNN_MAX_CPU_ISA: 'AVX2' }, level: 'AVX2',
    lacks: AVX2 ?? (AVX512 && `${AVX512}: the same as “this processor”`), types: ['Float'],
  },
]

for (const processor of PROCESSORS) {
  const title = `the convolutions that are computed by loops and products of our own, with ${processor.title}`
  if (processor.lacks) skip(title, processor.lacks)
  else describe(title, () => checkConvolutions(processor))
}

function checkConvolutions({ env, level, types }: Processor): void {
  let rows: readonly Row[]

  beforeAll(async () => {
    rows = (await engineCheckWith(env, 'convolutions')) as Row[]
  }, 300_000)

  test('are as near to double as libtorch\'s, for every width of groups, stride, odd shape and type, and as infinite', () => {
    const further = rows.filter(({ name, own, library }) => {
      const slack = name.includes('Float') && !name.startsWith('autocast') ? FLOAT_SLACK : BF16_SLACK
      return own.some((distance, pass) => distance === null || distance > TIMES * (library[pass] ?? Infinity) + slack)
    })
    expect(further).toEqual([])
  })

  const title = 'are worked, for each type that the processor has instructions for, in every shape'
  if (types === undefined) skip(title, 'which instructions this processor has is told by Linux on x86-64 alone')
  else test(title, () => {
    const isOf = (name: string, kind: string, type: string): boolean => // “direct, not finite” is not “direct”
      name.startsWith(`${kind}, `) && /^\d/.test(name.slice(kind.length + 2)) && name.endsWith(`, ${type}`)
    const count = (kind: string, type: string): number => rows.filter(({ name }) => isOf(name, kind, type)).length
    const worked = ['Float', 'BFloat16'].map((type) => KINDS.map((kind) => count(kind, type)))
    expect(worked).toEqual(['Float', 'BFloat16'].map((type) => KINDS.map((kind) => (types.includes(type) ? TIMES_WORKED[kind] : 0))))
  })

  for (const type of types ?? []) {
    test(`in ${type}, are chosen where they were measured to be faster`, () => {
      const chosen = rows.filter(({ name }) => name.startsWith('chosen ') && name.endsWith(`, ${type}`)).map(({ name }) => name)
      const words = chosen.map((name) => /^chosen ([a-z/]+), /.exec(name)![1]!.split('/').map((word) => LETTERS[word]).join(''))
      expect(words).toHaveLength(16)
      const expected = AMX && type === 'BFloat16' ? undefined : CHOSEN[`${level} ${type}`]
      if (expected) expect([words.slice(0, 8).join(' '), words.slice(8).join(' ')]).toEqual(expected)
      else expect(words.join(' ')).toMatch(level === 'AMX' ? /D.*P/ : /G/) // by tiles, or by libtorch's product, which has them
    })
  }

  test('come to the same bytes each time', () => {
    expect(rows.filter((row) => !row.repeats)).toEqual([])
  })
}
