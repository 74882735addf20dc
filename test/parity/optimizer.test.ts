import { engineCheck } from '../helpers/processes/engine-check.js'
import { expectParity, furthest, largest, readFixture } from './rows.js'

interface AdamState {
  readonly value: number[]
  readonly exp_avg: number[]
  readonly exp_avg_sq: number[]
  readonly step: number
}
type Adam = Readonly<Record<'w0' | 'w1' | 'w2', AdamState>> & { readonly scale: number; readonly foreach: number; readonly single: number }

/** Of the largest number in the parameter. */
const TOLERANCE = 1e-6
const STEPS = 1000

describe.each(['adam', 'adamw'] as const)('%s goes step for step with PyTorch’s fused one', (type) => {
  test(`${STEPS} steps, two groups, decay, learning rates that vary, ten steps that overflow`, async () => {
    const expected = readFixture<Record<string, Adam>>('adam')[type]!
    const ours = (await engineCheck('adam', type, String(STEPS))) as Adam
    let worst = 0
    for (const name of ['w0', 'w1', 'w2'] as const) {
      for (const part of ['value', 'exp_avg', 'exp_avg_sq'] as const) worst = Math.max(worst, furthest(ours[name][part], expected[name][part]) / largest(expected[name][part]))
      expect(ours[name].step).toBe(expected[name].step)
      expect(ours[name].step).toBe(STEPS - 11) // steps 13, 110, … 983 are passed over
    }
    expect(ours.scale).toBe(expected.scale)
    expectParity(`${type}, ${STEPS} steps (PyTorch's foreach from its fused ${expected.foreach.toExponential(1)})`, worst, TOLERANCE)
  })
})

describe('the GradScaler', () => {
  const fixture = readFixture<{
    readonly entries: string[]
    readonly scripts: { readonly options: number[]; readonly script: string; readonly states: number[][] }[]
    readonly actions: { readonly actions: string[]; readonly error: string | null }[]
  }>('scaler')

  test.each(fixture.scripts)('with $options after $script: scale, tracker and applied steps are PyTorch’s', async ({ options, script, states }) => {
    const ours = (await engineCheck('scaler', ...options.map(String), script)) as number[][]
    expect(ours.map(([, tracker, steps]) => [tracker, steps])).toEqual(states.map(([, tracker, steps]) => [tracker, steps]))
    const worst = Math.max(...ours.map(([scale], i) => Math.abs(scale! - states[i]![0]!) / states[i]![0]!))
    expectParity(`scaler ${options.join(' ')} ${script}`, worst, 1e-6) // factors are floats here, doubles there
  })

  test.each(fixture.actions)('$actions: $error', async ({ actions, error }) => {
    expect(await engineCheck('actions', ...actions)).toBe(error)
  })

  test('a step twice is among what is refused', () => {
    expect(fixture.actions).toContainEqual({ actions: ['step', 'step'], error: 'step() has already been called since the last update().' })
  })
})

test('autocast leaves the thread as it was, after an error too, and no cast weight behind', async () => {
  expect(await engineCheck('autocast')).toEqual({
    before: 'off BFloat16 cached 0',
    within: 'on BFloat16 cached 1',
    after: 'off BFloat16 cached 0',
    stale: 0,
    'after an error': 'off BFloat16 cached 0',
    "the user's own": 'on Half uncached 0',
    'fp32 within': 'off Float cached 1',
    "the user's own again": 'on Half uncached 0',
  })
})
