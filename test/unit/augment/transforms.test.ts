import { random } from '../../../src/random/sfc32.js'
import { compose, evalTransform, scoringTransform, trainTransform, type Transform } from '../../../src/augment/transforms.js'

const image = { width: 400, height: 320, output: 224 }

describe('trainTransform', () => {
  const transform = trainTransform()
  const plans = Array.from({ length: 2000 }, (_, i) => transform(image, random(1, 0, i), 0).geometry)

  test('is pure in the generator', () => {
    expect(transform(image, random(1, 2, 3), 0)).toEqual(transform(image, random(1, 2, 3), 0.7))
  })

  test('crops lie within the image, of the areas and shapes asked for, half of them mirrored', () => {
    let mirrored = 0
    for (const [a, b, c, d, e, f] of plans) {
      expect([b, d]).toEqual([0, 0])
      const [width, height] = [Math.abs(a) * 224, e * 224]
      const left = a < 0 ? c - width : c
      if (a < 0) mirrored++
      expect(left).toBeGreaterThanOrEqual(-1e-9)
      expect(f).toBeGreaterThanOrEqual(0)
      expect(left + width).toBeLessThanOrEqual(400 + 1e-9)
      expect(f + height).toBeLessThanOrEqual(320 + 1e-9)
      const share = (width * height) / (400 * 320)
      expect(share).toBeGreaterThan(0.49)
      expect(share).toBeLessThanOrEqual(1)
      expect(width / height).toBeGreaterThan(0.74)
      expect(width / height).toBeLessThan(1.35)
    }
    expect(mirrored / plans.length).toBeGreaterThan(0.45)
    expect(mirrored / plans.length).toBeLessThan(0.55)
  })

  test('a very long image gives its middle', () => {
    const [a, , c, , e, f] = trainTransform({ flip: 0 })({ width: 3000, height: 100, output: 10 }, random(1), 0).geometry
    expect([Math.round(a * 10), c, e * 10, f]).toEqual([133, 1433, 100, 0])
  })

  test('keeps images with room for the smallest crop, and enlarges none', () => {
    expect(transform.decode?.(224)).toMatchObject({
      shorterSide: 320, crop: null, enlarge: false, antialias: true, orient: true, profile: true,
    })
  })

  test.each([{ flip: 2 }, { crop: [0, 1] as const }, { crop: [0.5, 2] as const }, { ratio: [2, 1] as const }])('refuses %j', (options) => {
    expect(() => trainTransform(options)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }))
  })
})

describe('scoring', () => {
  test('evalTransform resizes to 8/7 and takes the middle', () => {
    expect(evalTransform().decode?.(224)).toEqual({ shorterSide: 256, crop: 224, antialias: true, pad: null, orient: true, profile: true })
    expect(evalTransform()({ width: 224, height: 224, output: 224 }, random(1), 0)).toEqual({ geometry: [1, 0, 0, 0, 1, 0] })
  })

  test('scoringTransform does what a model file says', () => {
    const rule = evalTransform().decode!(96)
    expect(scoringTransform(rule).decode?.(5)).toEqual(rule)
  })
})

describe('compose', () => {
  const shift: Transform = () => ({ geometry: [1, 0, 5, 0, 1, 0], colour: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0.1], border: [0, 0, 0] })
  const double: Transform = () => ({ geometry: [2, 0, 0, 0, 2, 0], colour: [1, 0, 0, 0.5, 0, 1, 0, 0, 0, 0, 3, 0] })

  test('leads from the output back through the last to the first', () => {
    expect(compose(shift, double)(image, random(1), 0).geometry).toEqual([2, 0, 5, 0, 2, 0])
    expect(compose(double, shift)(image, random(1), 0).geometry).toEqual([2, 0, 10, 0, 2, 0])
  })

  test('colours go through the first, then the second', () => {
    const plan = compose(shift, double)(image, random(1), 0)
    expect(plan.colour?.[0]).toBeCloseTo(2)
    expect(plan.colour?.[3]).toBeCloseTo(0.5)
    expect(plan.colour?.[11]).toBeCloseTo(0.3)
    expect(plan.border).toEqual([0, 0, 0])
  })

  test('keeps how the first has its images decoded', () => {
    expect(compose(trainTransform(), double).decode?.(100)).toEqual(trainTransform().decode?.(100))
  })
})
