import { BestEpochTracker } from '../../../src/train/best-epoch.js'
import { EarlyStopping } from '../../../src/train/early-stopping.js'
import { constant, warmupCosine } from '../../../src/recipes/schedules.js'

describe('EarlyStopping', () => {
  const losses = [10, 9, 8, 9, 8.9, 8.8, 8.7, 8.6, 8.5]
  test.each([
    { patience: 1, stopsAt: 3 },
    { patience: 2, stopsAt: 4 },
    { patience: 3, stopsAt: 5 },
    { patience: 7, stopsAt: -1 },
  ])('with patience $patience, stops at epoch $stopsAt', ({ patience, stopsAt }) => {
    const stopper = new EarlyStopping({ patience })
    expect(losses.findIndex((loss) => stopper.update(loss).shouldStop)).toBe(stopsAt)
  })

  test('with mode max, a rise is an improvement and an equal value is not', () => {
    const stopper = new EarlyStopping({ patience: 1, mode: 'max' })
    expect(stopper.update(0.5).improved).toBe(true)
    expect(stopper.update(0.6).improved).toBe(true)
    expect(stopper.update(0.6)).toEqual({ improved: false, shouldStop: true })
  })

  test('a gain of minDelta is not enough, more than that is', () => {
    const stopper = new EarlyStopping({ patience: 9, minDelta: 0.5 })
    expect([10, 9.5, 9.25].map((loss) => stopper.update(loss).improved)).toEqual([true, false, true])
  })

  test('NaN is never an improvement, even at first', () => {
    const stopper = new EarlyStopping({ patience: 2 })
    expect([Number.NaN, 3, Number.NaN].map((loss) => stopper.update(loss).improved)).toEqual([false, true, false])
  })

  test('goes on counting from a state that was kept as JSON', () => {
    const first = new EarlyStopping({ patience: 2 })
    for (const loss of [1, 2]) first.update(loss)
    const second = new EarlyStopping({ patience: 2 })
    second.restore(JSON.parse(JSON.stringify(first.state)) as typeof first.state)
    expect(second.update(3)).toEqual({ improved: false, shouldStop: true })
  })

  test.each([{ patience: 0 }, { patience: 1.5 }, { minDelta: -1 }, { mode: 'mean' as 'min' }])('refuses %j', (options) => {
    expect(() => new EarlyStopping(options)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }))
  })
})

describe('BestSoFar', () => {
  const epochs = [
    { loss: 1.0, top1: 0.5 }, // the first is the best so far
    { loss: 0.9, top1: 0.5 }, // a tie, with a lower loss
    { loss: 0.9, top1: 0.5 }, // the same again
    { loss: 2.0, top1: 0.6 },
    { loss: 0.1, top1: 0.55 },
    { loss: Number.NaN, top1: Number.NaN },
  ]
  test.each([
    ['val/top1', [true, true, false, true, false, false], 4],
    ['val/loss', [true, true, false, false, true, false], 5],
  ] as const)('by %s', (monitor, improved, best) => {
    const bestSoFar = new BestEpochTracker(monitor)
    const seen = epochs.map((val, i) => bestSoFar.update(i + 1, { train: { loss: 0, top1: 0 }, val: { ...val, count: 10 } }))
    expect(seen).toEqual(improved)
    expect(bestSoFar.best?.epoch).toBe(best)
  })

  test('an epoch whose validation loss is not finite is never the best, though one class may be guessed right', () => {
    const bestSoFar = new BestEpochTracker('val/top1')
    expect(bestSoFar.update(1, { train: { loss: 1, top1: 0 }, val: { loss: Number.NaN, top1: 0.9, count: 10 } })).toBe(false)
  })

  test('the best epoch, done again after a crash, is the best again', () => {
    const metrics = (loss: number) => ({ train: { loss: 1, top1: 0 }, val: { loss, top1: 0.5, count: 10 } })
    const bestSoFar = new BestEpochTracker('val/top1', { epoch: 4, metrics: metrics(1).val, value: 0.5 })
    expect([3, 4, 5].map((epoch) => bestSoFar.update(epoch, metrics(1)))).toEqual([false, true, false])
    expect(bestSoFar.update(6, metrics(0.9))).toBe(true)
  })
})

describe('schedules', () => {
  test('constant is', () => {
    expect([0, 5, 1000].map(constant(0.1))).toEqual([0.1, 0.1, 0.1])
  })

  test.each([[0, 0.25], [3, 1], [4, 1], [8, 0.5], [12, 0], [99, 0]])('warm-up of 4 and cosine of 12 steps has at step %d a rate of %f', (step, lr) => {
    expect(warmupCosine({ lr: 1, steps: 12, warmup: 4 })(step)).toBeCloseTo(lr, 12)
  })

  test('ends at min', () => {
    expect(warmupCosine({ lr: 1, steps: 10, min: 0.1 })(10)).toBeCloseTo(0.1, 12)
  })

  test('more warm-up than steps never divides by zero', () => {
    expect(warmupCosine({ lr: 1, steps: 2, warmup: 4 })(4)).toBeGreaterThanOrEqual(0)
  })
})
