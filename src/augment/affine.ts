import type { Matrix2x3 } from './plan.js'

/** The identity, as all maps here on the continuous coordinates of `Matrix2x3`. */
export const IDENTITY: Matrix2x3 = [1, 0, 0, 0, 1, 0]

export function translate(x: number, y: number): Matrix2x3 {
  return [1, 0, x, 0, 1, y]
}

export function scale(x: number, y: number): Matrix2x3 {
  return [x, 0, 0, 0, y, 0]
}

/** The map that applies `first` and then `second`: the matrix product `second` · `first`. */
export function composeAffine(first: Matrix2x3, second: Matrix2x3): Matrix2x3 {
  const [a, b, c, d, e, f] = first
  const [p, q, r, s, t, u] = second
  return [p * a + q * d, p * b + q * e, p * c + q * f + r, s * a + t * d, s * b + t * e, s * c + t * f + u]
}

export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** The map from an output of `size` × `size` pixels to a box of the source, mirrored left to right if `flip`. */
export function cropTo(box: Box, size: number, flip: boolean): Matrix2x3 {
  const output = flip ? composeAffine(scale(-1, 1), translate(size, 0)) : IDENTITY
  return composeAffine(composeAffine(output, scale(box.width / size, box.height / size)), translate(box.left, box.top))
}
