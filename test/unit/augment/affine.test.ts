import { cropTo, IDENTITY, scale, composeAffine, translate } from '../../../src/augment/affine.js'
import type { Matrix2x3 } from '../../../src/augment/plan.js'

const apply = ([a, b, c, d, e, f]: Matrix2x3, x: number, y: number): [number, number] => [a * x + b * y + c, d * x + e * y + f]

describe('then', () => {
  test('does the first, then the second', () => {
    expect(apply(composeAffine(translate(1, 2), scale(10, 100)), 3, 4)).toEqual([40, 600])
    expect(apply(composeAffine(scale(10, 100), translate(1, 2)), 3, 4)).toEqual([31, 402])
  })

  test('identity changes nothing on either side', () => {
    const matrix: Matrix2x3 = [1, 2, 3, 4, 5, 6]
    expect(composeAffine(IDENTITY, matrix)).toEqual(matrix)
    expect(composeAffine(matrix, IDENTITY)).toEqual(matrix)
  })
})

describe('cropTo', () => {
  const box = { left: 10, top: 20, width: 40, height: 80 }
  test.each([
    [false, 0, 0, 10, 20], [false, 8, 8, 50, 100], [false, 0, 8, 10, 100],
    [true, 0, 0, 50, 20], [true, 8, 8, 10, 100],
  ])('flip %s: the output corner (%d, %d) lies at (%d, %d) of the source', (flip, x, y, sx, sy) => {
    expect(apply(cropTo(box, 8, flip), x, y)).toEqual([sx, sy])
  })
})
