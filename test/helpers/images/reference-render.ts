import type { Matrix2x3, Plan, Rgb } from '../../../src/augment/plan.js'

export interface Source {
  /** uint8, height × width × 3. */
  readonly pixels: Uint8Array
  readonly height: number
  readonly width: number
}

/**
 * What `src/augment/plan.ts` says, pixel by pixel in double precision: slow and obvious, to hold the native kernel against.
 *
 * @returns [output, output, 3], normalized
 */
export function referenceRender(source: Source, plan: Plan, output: number, mean: Rgb, std: Rgb): Float64Array {
  const result = new Float64Array(output * output * 3)
  for (let row = 0; row < output; row++) {
    for (let column = 0; column < output; column++) {
      const colour = applyColour(plan, samplePlan(source, plan, column + 0.5, row + 0.5))
      for (let c = 0; c < 3; c++) result[(row * output + column) * 3 + c] = (colour[c]! - mean[c]!) / std[c]!
    }
  }
  return result
}

type Colour = readonly [number, number, number]

function samplePlan(source: Source, plan: Plan, u: number, v: number): Colour {
  const [x, y] = transform(plan.geometry, u, v)
  if (plan.snap) {
    const { width, height, resize } = plan.snap
    const [gx, gy] = [halfToEven(x - 0.5), halfToEven(y - 0.5)]
    const outside = gx < 0 || gy < 0 || gx >= width || gy >= height
    if (outside && Array.isArray(plan.border)) return plan.border as unknown as Colour
    const [sx, sy] = transform(resize, mirror(gx, width) + 0.5, mirror(gy, height) + 0.5)
    return bilinear(sx, sy, (i, j) => pixel(source, clamp(i, source.width), clamp(j, source.height)))
  }
  const tap = (i: number, j: number): Colour => {
    const inside = i >= 0 && j >= 0 && i < source.width && j < source.height
    if (!inside && Array.isArray(plan.border)) return plan.border as unknown as Colour
    return pixel(source, mirror(i, source.width), mirror(j, source.height))
  }
  return plan.interpolation === 'nearest' ? tap(Math.floor(x), Math.floor(y)) : bilinear(x, y, tap)
}

function bilinear(x: number, y: number, tap: (i: number, j: number) => Colour): Colour {
  const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)]
  const [fx, fy] = [x - 0.5 - left, y - 0.5 - top]
  const mix = (c: number): number =>
    tap(left, top)[c]! * (1 - fx) * (1 - fy) + tap(left + 1, top)[c]! * fx * (1 - fy)
    + tap(left, top + 1)[c]! * (1 - fx) * fy + tap(left + 1, top + 1)[c]! * fx * fy
  return [mix(0), mix(1), mix(2)]
}

function applyColour({ colour }: Plan, rgb: Colour): Colour {
  if (!colour) return rgb
  const row = (r: number): number => {
    const [red, green, blue, offset] = colour.slice(r * 4, r * 4 + 4)
    return Math.min(1, Math.max(0, red! * rgb[0] + green! * rgb[1] + blue! * rgb[2] + offset!))
  }
  return [row(0), row(1), row(2)]
}

function transform([a, b, c, d, e, f]: Matrix2x3, x: number, y: number): [number, number] {
  return [a * x + b * y + c, d * x + e * y + f]
}

function pixel({ pixels, width }: Source, x: number, y: number): Colour {
  const at = (y * width + x) * 3
  return [pixels[at]! / 255, pixels[at + 1]! / 255, pixels[at + 2]! / 255]
}

function mirror(i: number, n: number): number {
  const within = ((i % (2 * n)) + 2 * n) % (2 * n)
  return within < n ? within : 2 * n - 1 - within
}

function clamp(i: number, n: number): number {
  return Math.min(n - 1, Math.max(0, i))
}

function halfToEven(value: number): number {
  const rounded = Math.round(value)
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}
