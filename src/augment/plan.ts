/**
 * Row-major 2×3 matrix: (x, y) ↦ (m0·x + m1·y + m2, m3·x + m4·y + m5).
 *
 * Coordinates are continuous: pixel column i covers [i, i + 1), so its centre is i + 0.5, and a resize is a pure
 * scaling (`align_corners=False` in PyTorch's words).
 */
export type Matrix2x3 = readonly [number, number, number, number, number, number]
/** Row-major 3×4 matrix on (r, g, b, 1). */
export type Matrix3x4 = readonly [
  number, number, number, number,
  number, number, number, number,
  number, number, number, number,
]
export type Rgb = readonly [r: number, g: number, b: number]

/** What a transform knows of an image: the height and width of its source, and of the square output. In pixels. */
export interface ImageSizes {
  readonly width: number
  readonly height: number
  readonly output: number
}

/** An image's augmentation: how it is resampled and coloured on its way into a batch. Plain data that native code executes. */
export interface Plan {
  /** From output to source coordinates, or to those of the grid of `snap`. */
  readonly geometry: Matrix2x3
  /**
   * Resamples in two stages: PyTorch's bilinear `interpolate` of the source to a grid of this size, then `affine_grid` and nearest
   * `grid_sample` from the grid to the output, in float32 and with their roundings.
   *
   * `geometry`'s result is rounded to a pixel of the grid (half to even; outside the grid: the border's colour); `resize`, which scales
   * and shifts only, leads from that pixel's centre to the source: bilinear, clamped at its edges.
   */
  readonly snap?: { readonly height: number; readonly width: number; readonly resize: Matrix2x3 }
  /** @default 'bilinear' */
  readonly interpolation?: 'bilinear' | 'nearest'
  /**
   * What lies outside the source: its mirror image (the edge pixel repeated: c b a | a b c), or one colour in 0–1.
   * @default 'reflect'
   */
  readonly border?: 'reflect' | Rgb
  /** On RGB in 0–1, clamped to 0–1 afterwards. */
  readonly colour?: Matrix3x4
}

/** Numbers in a packed plan. */
export const PLAN_LENGTH = 32

/**
 * Plans as native code reads them, [plans.length, PLAN_LENGTH]:
 * 0–5 geometry · 6 interpolation (0 bilinear, 1 nearest) · 7 border (0 reflect, 1 colour) · 8–10 border colour ·
 * 11–12 snap height and width (0: no snap) · 13–18 snap resize · 19 colour given (0 or 1) · 20–31 colour.
 */
export function packPlans(plans: readonly Plan[]): Float64Array {
  const packed = new Float64Array(plans.length * PLAN_LENGTH)
  for (const [i, { geometry, snap, interpolation, border = 'reflect', colour }] of plans.entries()) {
    const plan = packed.subarray(i * PLAN_LENGTH, (i + 1) * PLAN_LENGTH)
    plan.set(geometry, 0)
    plan[6] = interpolation === 'nearest' ? 1 : 0
    if (border !== 'reflect') {
      plan[7] = 1
      plan.set(border, 8)
    }
    if (snap) plan.set([snap.height, snap.width, ...snap.resize], 11)
    if (colour) plan.set([1, ...colour], 19)
  }
  return packed
}
