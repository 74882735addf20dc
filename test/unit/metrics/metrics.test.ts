import { AverageMeter } from '../../../src/metrics/average-meter.js'
import { monitored, monitorMode } from '../../../src/metrics/metrics.js'
import { wilsonInterval } from '../../../src/metrics/wilson-interval.js'

describe('AverageMeter', () => {
  test('weighs each value by its count', () => {
    const meter = new AverageMeter()
    meter.update(1, 3)
    meter.update(5)
    expect(meter.average).toBe(2)
  })

  test('is NaN before the first value', () => {
    expect(new AverageMeter().average).toBeNaN()
  })
})

describe('monitored', () => {
  const epoch = { train: { loss: 1, top1: 0.2 }, val: { loss: 3, top1: 0.4 } }
  test.each([['train/loss', 1, 'min'], ['train/top1', 0.2, 'max'], ['val/loss', 3, 'min'], ['val/top1', 0.4, 'max']] as const)('%s is %d, better %s', (monitor, value, mode) => {
    expect(monitored(monitor, epoch)).toBe(value)
    expect(monitorMode(monitor)).toBe(mode)
  })
})

describe('wilsonInterval', () => {
  // Brown, Cai and DasGupta's formula worked out in double precision elsewhere
  test.each([
    [0, 10, 0, 0.27753], [10, 10, 0.72247, 1], [5, 10, 0.23659, 0.76341], [149, 153, 0.93467, 0.98979], [1, 1, 0.20655, 1],
  ])('%d of %d is %f to %f', (correct, count, low, high) => {
    const [below, above] = wilsonInterval(correct, count)
    expect(below).toBeCloseTo(low, 4)
    expect(above).toBeCloseTo(high, 4)
  })

  test('of nothing is everything', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1])
  })
})
