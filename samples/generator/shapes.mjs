// Solids that rays can hit: convex bodies given by planes, upright cylinders and cones, and balls. Metres; y is up.

import { noise } from './random.mjs'

/** @typedef {readonly [number, number, number]} Vector */
/**
 * Where a building stands and how it is turned: solids are described in its own coordinates.
 *
 * @typedef {object} Frame
 * @property {number} x
 * @property {number} z
 * @property {number} cos
 * @property {number} sin
 */
/** @typedef {import('./materials.mjs').Material} Material */
/** @typedef {{ readonly min: Vector, readonly max: Vector }} Bounds */
/**
 * @typedef {object} Solid
 * @property {'planes' | 'cylinder' | 'cone' | 'ball' | 'leaves'} kind
 * @property {Float64Array} planes
 * @property {number} x
 * @property {number} y
 * @property {number} z
 * @property {number} radius
 * @property {number} height
 * @property {Material} material
 * @property {Frame} frame
 * @property {Bounds} bounds
 */
/** @typedef {{ distance: number, solid: Solid | undefined, nx: number, ny: number, nz: number }} Hit */

const NO_PLANES = new Float64Array(0)
const TOO_NEAR = 1e-4

/** @param {number} x @param {number} z @param {number} [degrees] @returns {Frame} */
export function frameAt(x, z, degrees = 0) {
  const angle = (degrees * Math.PI) / 180
  return { x, z, cos: Math.cos(angle), sin: Math.sin(angle) }
}

/** @param {Frame} frame @param {number} x @param {number} z @returns {readonly [number, number]} */
export function toWorld({ x: fx, z: fz, cos, sin }, x, z) {
  return [fx + x * cos + z * sin, fz - x * sin + z * cos]
}

/**
 * A convex body: all points p with n·p ≤ d for each [nx, ny, nz, d], in the frame's coordinates.
 *
 * @param {Frame} frame @param {Material} material @param {readonly (readonly [number, number, number, number])[]} sides
 * @param {{ readonly x: readonly [number, number], readonly y: readonly [number, number], readonly z: readonly [number, number] }} extent
 * @returns {Solid}
 */
export function body(frame, material, sides, extent) {
  const planes = new Float64Array(sides.length * 4)
  for (const [i, [lx, ly, lz, d]] of sides.entries()) {
    const length = Math.hypot(lx, ly, lz)
    const [nx, nz] = [lx * frame.cos + lz * frame.sin, -lx * frame.sin + lz * frame.cos]
    planes.set([nx / length, ly / length, nz / length, (d + nx * frame.x + nz * frame.z) / length], i * 4)
  }
  const corners = extent.x.flatMap((x) => extent.z.map((z) => toWorld(frame, x, z)))
  const bounds = boundsOf(corners.map(([x]) => x), extent.y, corners.map(([, z]) => z))
  return { kind: 'planes', planes, x: 0, y: 0, z: 0, radius: 0, height: 0, material, frame, bounds }
}

/**
 * @param {Frame} frame @param {Material} material @param {number} x @param {number} y @param {number} z
 * @param {number} w @param {number} h @param {number} d lower corner's middle, width, height, depth
 */
export function box(frame, material, x, y, z, w, h, d) {
  return body(frame, material, walls(x, y, z, w, h, d), extentOf(x, y, z, w, h, d))
}

/**
 * A roof with a ridge along x (or z), gables upright.
 *
 * @param {Frame} frame @param {Material} material @param {number} x @param {number} y @param {number} z
 * @param {number} w @param {number} h @param {number} d
 */
export function gable(frame, material, x, y, z, w, h, d, alongZ = false) {
  const [across, middle] = alongZ ? [w, x] : [d, z]
  const slope = (2 * h) / across
  const sides = [-1, 1].map((sign) => {
    const rise = y + h + sign * slope * middle
    return alongZ ? /** @type {const} */ ([sign * slope, 1, 0, rise]) : /** @type {const} */ ([0, 1, sign * slope, rise])
  })
  return body(frame, material, [...walls(x, y, z, w, h, d).filter(([, ny]) => ny <= 0), ...sides], extentOf(x, y, z, w, h, d))
}

/**
 * A roof that slopes on all four sides: a pyramid over a square.
 *
 * @param {Frame} frame @param {Material} material @param {number} x @param {number} y @param {number} z
 * @param {number} w @param {number} h @param {number} d
 */
export function hip(frame, material, x, y, z, w, h, d) {
  const slope = (2 * h) / Math.min(w, d)
  const rise = (/** @type {number} */ half) => y + slope * half
  const sides = /** @type {const} */ (
    [
      [slope, 1, 0, rise(w / 2) + slope * x], [-slope, 1, 0, rise(w / 2) - slope * x], [0, 1, slope, rise(d / 2) + slope * z],
      [0, 1, -slope, rise(d / 2) - slope * z], [0, -1, 0, -y],
    ]
  )
  return body(frame, material, sides, extentOf(x, y, z, w, h, d))
}

/**
 * A barrel roof along x.
 *
 * @param {Frame} frame @param {Material} material @param {number} x @param {number} y @param {number} z
 * @param {number} w @param {number} h @param {number} d
 */
export function barrel(frame, material, x, y, z, w, h, d) {
  const arc = Array.from({ length: 11 }, (_, i) => (Math.PI * (i + 1)) / 12)
  const sides = arc.map((angle) => {
    const [nz, ny] = [Math.cos(angle) / (d / 2), Math.sin(angle) / h]
    return /** @type {const} */ ([0, ny, nz, ny * (y + h * Math.sin(angle)) + nz * (z + (d / 2) * Math.cos(angle))])
  })
  return body(frame, material, [...walls(x, y, z, w, h, d).filter(([, ny]) => ny <= 0), ...sides], extentOf(x, y, z, w, h, d))
}

/**
 * @param {Frame} frame @param {Material} material @param {number} x @param {number} y @param {number} z
 * @param {number} radius @param {number} height
 * @returns {Solid}
 */
export function cylinder(frame, material, x, y, z, radius, height) {
  return round('cylinder', frame, material, x, y, z, radius, height)
}

/**
 * @param {Frame} frame @param {Material} material @param {number} x @param {number} y @param {number} z
 * @param {number} radius @param {number} height
 * @returns {Solid}
 */
export function cone(frame, material, x, y, z, radius, height) {
  return round('cone', frame, material, x, y, z, radius, height)
}

/**
 * A ball, whole: what lies below the ground or in a wall is not seen.
 *
 * @param {Frame} frame @param {Material} material @param {number} x @param {number} y @param {number} z
 * @param {number} radius
 * @returns {Solid}
 */
export function ball(frame, material, x, y, z, radius) {
  const [wx, wz] = toWorld(frame, x, z)
  const bounds = {
    min: /** @type {Vector} */ ([wx - radius, y - radius, wz - radius]),
    max: /** @type {Vector} */ ([wx + radius, y + radius, wz + radius]),
  }
  return { kind: 'ball', planes: NO_PLANES, x: wx, y, z: wz, radius, height: 0, material, frame, bounds }
}

/**
 * A ball with gaps, as leaves leave them.
 *
 * @param {Frame} frame @param {Material} material @param {number} x @param {number} y @param {number} z
 * @param {number} radius
 * @returns {Solid}
 */
export function leafBall(frame, material, x, y, z, radius) {
  return { ...ball(frame, material, x, y, z, radius), kind: 'leaves' }
}

/** @param {readonly { readonly bounds: Bounds }[]} parts @returns {Bounds} */
export function boundsAround(parts) {
  const of = (/** @type {0 | 1 | 2} */ axis) => parts.flatMap(({ bounds }) => [bounds.min[axis], bounds.max[axis]])
  return boundsOf(of(0), of(1), of(2))
}

/**
 * Whether a ray comes into the bounds before `limit`.
 *
 * @param {Bounds} bounds @param {Vector} from @param {Vector} inverse 1 / direction @param {number} limit
 */
export function touches({ min, max }, from, inverse, limit) {
  let near = 0
  let far = limit
  for (let axis = 0; axis < 3; axis++) {
    const origin = /** @type {number} */ (from[axis])
    const step = /** @type {number} */ (inverse[axis])
    const a = (/** @type {number} */ (min[axis]) - origin) * step
    const b = (/** @type {number} */ (max[axis]) - origin) * step
    near = Math.max(near, Math.min(a, b))
    far = Math.min(far, Math.max(a, b))
  }
  return near <= far
}

/**
 * Makes `hit` the nearer of what it was and where the ray meets the solid.
 *
 * @param {Solid} solid @param {Vector} from @param {Vector} to direction @param {Hit} hit
 */
export function intersect(solid, from, to, hit) {
  if (solid.kind === 'planes') meetPlanes(solid, from, to, hit)
  else if (solid.kind === 'ball' || solid.kind === 'leaves') meetBall(solid, from, to, hit)
  else meetRound(solid, from, to, hit)
}

/** @param {Solid} solid @param {Vector} from @param {Vector} to @param {Hit} hit */
function meetPlanes(solid, from, to, hit) {
  const { planes } = solid
  let near = -Infinity
  let far = hit.distance
  let face = -1
  for (let i = 0; i < planes.length; i += 4) {
    const nx = /** @type {number} */ (planes[i])
    const ny = /** @type {number} */ (planes[i + 1])
    const nz = /** @type {number} */ (planes[i + 2])
    const along = nx * to[0] + ny * to[1] + nz * to[2]
    const gap = /** @type {number} */ (planes[i + 3]) - (nx * from[0] + ny * from[1] + nz * from[2])
    if (along === 0) {
      if (gap < 0) return
      continue
    }
    const at = gap / along
    if (along < 0) {
      if (at > near) {
        near = at
        face = i
      }
    } else if (at < far) far = at
    if (near > far) return
  }
  if (near < TOO_NEAR || face < 0) return
  set(
    hit, near, solid, /** @type {number} */ (planes[face]), /** @type {number} */ (planes[face + 1]),
    /** @type {number} */ (planes[face + 2]),
  )
}

/** @param {Solid} solid @param {Vector} from @param {Vector} to @param {Hit} hit */
function meetBall(solid, from, to, hit) {
  const [x, y, z] = [from[0] - solid.x, from[1] - solid.y, from[2] - solid.z]
  const b = x * to[0] + y * to[1] + z * to[2]
  const root = b * b - (x * x + y * y + z * z - solid.radius ** 2)
  if (root < 0) return
  const at = -b - Math.sqrt(root)
  if (at < TOO_NEAR || at >= hit.distance) return
  const [nx, ny, nz] = [(x + to[0] * at) / solid.radius, (y + to[1] * at) / solid.radius, (z + to[2] * at) / solid.radius]
  // The gaps are larger towards the rim, which so looks ragged.
  if (
    solid.kind === 'leaves' && noise(
      nx * 7 * solid.radius + ny * 5, nz * 7 * solid.radius - ny * 6, 31,
    ) > 0.45 + 0.5 * Math.abs(nx * to[0] + ny * to[1] + nz * to[2])
  ) return
  set(hit, at, solid, nx, ny, nz)
}

/** A cone narrows to its top; a cylinder has a lid. @param {Solid} solid @param {Vector} from @param {Vector} to @param {Hit} hit */
function meetRound(solid, from, to, hit) {
  const { radius, height, kind } = solid
  const taper = kind === 'cone' ? radius / height : 0
  const [x, z] = [from[0] - solid.x, from[2] - solid.z]
  const width = radius - taper * (from[1] - solid.y) // at the ray's height; it changes by −taper·dy
  const a = to[0] ** 2 + to[2] ** 2 - (taper * to[1]) ** 2
  const b = x * to[0] + z * to[2] + taper * to[1] * width
  const root = b * b - a * (x * x + z * z - width * width)
  if (root >= 0 && a !== 0) {
    const at = (-b - Math.sqrt(root)) / a
    const rise = from[1] + to[1] * at - solid.y
    if (at >= TOO_NEAR && at < hit.distance && rise >= 0 && rise <= height) {
      const [px, pz] = [x + to[0] * at, z + to[2] * at]
      const length = Math.hypot(px, pz) || 1
      const flat = Math.hypot(1, taper)
      set(hit, at, solid, px / length / flat, taper / flat, pz / length / flat)
    }
  }
  if (kind === 'cylinder' && to[1] < 0) {
    const at = (solid.y + height - from[1]) / to[1]
    if (at >= TOO_NEAR && at < hit.distance && Math.hypot(x + to[0] * at, z + to[2] * at) <= radius) set(hit, at, solid, 0, 1, 0)
  }
}

/** @param {Hit} hit @param {number} distance @param {Solid} solid @param {number} nx @param {number} ny @param {number} nz */
function set(hit, distance, solid, nx, ny, nz) {
  hit.distance = distance
  hit.solid = solid
  hit.nx = nx
  hit.ny = ny
  hit.nz = nz
}

/**
 * @param {'cylinder' | 'cone'} kind @param {Frame} frame @param {Material} material @param {number} x
 * @param {number} y @param {number} z @param {number} radius @param {number} height
 * @returns {Solid}
 */
function round(kind, frame, material, x, y, z, radius, height) {
  const [wx, wz] = toWorld(frame, x, z)
  const bounds = boundsOf([wx - radius, wx + radius], [y, y + height], [wz - radius, wz + radius])
  return { kind, planes: NO_PLANES, x: wx, y, z: wz, radius, height, material, frame, bounds }
}

/**
 * @param {number} x @param {number} y @param {number} z @param {number} w @param {number} h @param {number} d
 * @returns {(readonly [number, number, number, number])[]}
 */
function walls(x, y, z, w, h, d) {
  return [[1, 0, 0, x + w / 2], [-1, 0, 0, w / 2 - x], [0, 1, 0, y + h], [0, -1, 0, -y], [0, 0, 1, z + d / 2], [0, 0, -1, d / 2 - z]]
}

/** @param {number} x @param {number} y @param {number} z @param {number} w @param {number} h @param {number} d */
function extentOf(x, y, z, w, h, d) {
  return {
    x: /** @type {const} */ ([x - w / 2, x + w / 2]), y: /** @type {const} */ ([y, y + h]),
    z: /** @type {const} */ ([z - d / 2, z + d / 2]),
  }
}

/** @param {readonly number[]} x @param {readonly number[]} y @param {readonly number[]} z @returns {Bounds} */
function boundsOf(x, y, z) {
  return { min: [Math.min(...x), Math.min(...y), Math.min(...z)], max: [Math.max(...x), Math.max(...y), Math.max(...z)] }
}
