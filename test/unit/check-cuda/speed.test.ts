import { paramsOf } from '../../../scripts/check-cuda/speed/inputs.mjs'
import { benchContext } from '../../../scripts/check-cuda/speed/bench-context.mjs'
import { QUICK_ROWS, ROWS } from '../../../scripts/check-cuda/speed/rows.mjs'
import type { Context } from '../../../scripts/check-cuda/types.d.mts'

const context: Context = {
  root: '/r',
  temporary: '/t',
  env: {},
  device: 'cuda:0',
  quick: false,
  compiled: true,
  python: { command: 'python3', versions: {}, missing: {} },
  data: Promise.resolve('/t/data'),
  tell: () => {},
}

describe('the rows of check:cuda', () => {
  test.each([['all', ROWS], ['those that are tried on a CPU', QUICK_ROWS]])('%s: each has a name of its own, which fits the table', (_, rows) => {
    const names = rows.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(24)
  })

  test('begin with the one whose first step is told of, and an aim lies above its bar', () => {
    expect(ROWS[0]).toMatchObject({ task: 'train-step', batch: 128, peers: true })
    for (const { bar = 0, aim = 1 } of ROWS) expect(aim).toBeGreaterThan(bar)
  })

  test('each takes the images of its batch and the weights of its model', () => {
    const inputs = { ready: { 64: { pixels: '64' }, 128: { pixels: '128' } }, weights: { regnet_y_16gf: 'big', regnet_y_400mf: 'small' } }
    const [first, , big] = ROWS
    expect(paramsOf(inputs, first!, 16)).toMatchObject({ pixels: '128', weights: 'small', own: 'bf16', kernels: 'auto', ahead: false, threads: 16 })
    expect(paramsOf(inputs, big!, 16)).toMatchObject({ pixels: '64', weights: 'big', modes: ['reduce-overhead'] })
  })
})

describe('the peers of check:cuda', () => {
  test.each<[string, Partial<Context>, object]>([
    ['all, on a GPU', {}, {}],
    ['without the compiled one, as is asked for', { compiled: false }, { compiled: '--no-compiled' }],
    ['without the compiled one, on a CPU', { device: 'cpu' }, { compiled: 'on a CPU, compiling takes minutes' }],
    ['none, where Python lacks something', { python: { command: 'py', versions: {}, missing: { PIL: 'no' } } }, {
      notebook: 'py has no PIL (no)', tuned: 'py has no PIL (no)', compiled: 'py has no PIL (no)',
    }],
  ])('are %s', (_, more, skip) => {
    expect(benchContext({ ...context, ...more }, '/t/data').skip).toEqual(skip)
  })

  test('say what they say within the part that they belong to', () => {
    const told: string[] = []
    benchContext({ ...context, tell: (line) => void told.push(line) }, '/t/data').tell('one\ntwo')
    expect(told).toEqual(['  one\n  two'])
  })
})
