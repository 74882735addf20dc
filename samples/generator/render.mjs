// From a scene and a camera to pixels: rays, shadows, light from the sky, and what a cheap camera makes of it.
import { dim } from './materials.mjs'
import { cloudy, hash, makeRandom, noise } from './random.mjs'
import { intersect, touches } from './shapes.mjs'
import { mix, skyAt } from './weather.mjs'

/** @typedef {import('./shapes.mjs').Vector} Vector */
/** @typedef {import('./shapes.mjs').Hit} Hit */
/** @typedef {import('./materials.mjs').Colour} Colour */
/** @typedef {import('./weather.mjs').Weather} Weather */
/** @typedef {{ readonly groups: readonly import('./campus.mjs').Group[], readonly weather: Weather }} Scene */
/**
 * @typedef {object} Camera
 * @property {Vector} from
 * @property {Vector} to
 * @property {number} roll
 * @property {number} fov
 * @property {number} width
 * @property {number} height
 * @property {number} exposure
 * @property {Colour} tint
 * @property {number} grain
 * @property {number} seed
 */

/** Rays a pixel, each way. */
const GRID = 2
const FAR = 400
/** How far away things still keep the sky's light off. */
const SHELTER = 7

/** @param {Scene} scene @param {Camera} camera @returns {Uint8Array} RGB */
export function render(scene, camera) {
  const { width, height, seed } = camera
  const rays = aim(camera)
  const pixels = new Uint8Array(width * height * 3)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const random = makeRandom(seed, x, y)
      let [r, g, b] = [0, 0, 0]
      for (let i = 0; i < GRID * GRID; i++) {
        const direction = rays(x + ((i % GRID) + random.next()) / GRID, y + (Math.floor(i / GRID) + random.next()) / GRID)
        const light = lightFrom(scene, camera.from, direction, random)
        r += light[0]
        g += light[1]
        b += light[2]
      }
      develop(pixels, at, dim([r, g, b], 1 / GRID ** 2), camera, x, y)
    }
  }
  return pixels
}

/** Directions of the rays through points of the image. @param {Camera} camera @returns {(x: number, y: number) => Vector} */
function aim({ from, to, roll, fov, width, height }) {
  const forward = unit([to[0] - from[0], to[1] - from[1], to[2] - from[2]])
  const side = unit([forward[2], 0, -forward[0]])
  const up = /** @type {Vector} */ ([forward[1] * side[2], forward[2] * side[0] - forward[0] * side[2], -forward[1] * side[0]])
  const scale = (2 * Math.tan((fov * Math.PI) / 360)) / Math.max(width, height)
  const [cos, sin] = [Math.cos(roll), Math.sin(roll)]
  return (x, y) => {
    const [a, b] = [(x - width / 2) * scale, (height / 2 - y) * scale]
    const [u, v] = [a * cos - b * sin, a * sin + b * cos]
    return unit([forward[0] - side[0] * u + up[0] * v, forward[1] + up[1] * v, forward[2] - side[2] * u + up[2] * v])
  }
}

/** @param {Scene} scene @param {Vector} from @param {Vector} to @param {import('./random.mjs').Random} random @returns {Colour} */
function lightFrom(scene, from, to, random) {
  const { weather } = scene
  const hit = nearest(scene, from, to)
  const sky = skyAt(weather, to[0], Math.max(to[1], 0.02), to[2])
  if (hit.distance >= FAR) return sky
  const point = /** @type {Vector} */ ([from[0] + to[0] * hit.distance, from[1] + to[1] * hit.distance, from[2] + to[2] * hit.distance])
  const look = lookAt(hit, point, weather)
  const stray = look.rough ?? 0
  const normal = unit(
    [hit.nx + stray * (random.next() - 0.5), hit.ny + stray * (random.next() - 0.5), hit.nz + stray * (random.next() - 0.5)],
  )
  const lit = look.glow !== undefined && look.glow < weather.lit ? 1.1 : 0
  const light = illumination(scene, point, normal, random)
  let seen = /** @type {Colour} */ ([look.colour[0] * light[0], look.colour[1] * light[1], look.colour[2] * light[2]])
  if (look.mirror) {
    const twice = 2 * (to[0] * normal[0] + to[1] * normal[1] + to[2] * normal[2])
    const back = /** @type {Vector} */ ([to[0] - twice * normal[0], to[1] - twice * normal[1], to[2] - twice * normal[2]])
    const reflected = back[1] > 0 ? skyAt(weather, ...back) : dim(weather.horizon, 0.25)
    const share = look.mirror * (0.4 + 0.6 * (1 - Math.abs(twice / 2)) ** 2)
    seen = mix(seen, hidden(scene, point, back, 60) ? dim(weather.horizon, 0.2) : reflected, share)
  }
  if (lit > 0) seen = [seen[0] + lit, seen[1] + lit * 0.72, seen[2] + lit * 0.36]
  return mix(skyAt(weather, to[0], 0.03, to[2]), seen, Math.exp(-weather.fog * hit.distance))
}

/**
 * The sun, if nothing is in its way, and the sky, as far as it is open.
 *
 * @param {Scene} scene @param {Vector} point @param {Vector} normal @param {import('./random.mjs').Random} random
 * @returns {Colour}
 */
function illumination(scene, point, normal, random) {
  const { sun, sunlight, zenith, horizon } = scene.weather
  const facing = normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2]
  const bright = facing > 0 && !hidden(scene, point, sun, FAR) ? facing : 0
  const angle = random.next() * 2 * Math.PI
  const flat = Math.sqrt(random.next())
  const out = unit([normal[0] + flat * Math.cos(angle), normal[1] + Math.sqrt(1 - flat * flat) * 0.8, normal[2] + flat * Math.sin(angle)])
  const open = hidden(scene, point, out, SHELTER) ? 0.35 : 1
  const upward = 0.5 + 0.5 * normal[1]
  const sky = mix(dim(horizon, 0.55), zenith, upward)
  const bounce = (1 - upward) * 0.22
  return [
    sunlight[0] * bright + sky[0] * open + bounce * sunlight[0] * 0.4,
    sunlight[1] * bright + sky[1] * open + bounce * sunlight[1] * 0.4,
    sunlight[2] * bright + sky[2] * open + bounce * sunlight[2] * 0.35,
  ]
}

/** @param {Hit} hit @param {Vector} point @param {Weather} weather */
function lookAt({ solid, nx, ny, nz }, [x, y, z], weather) {
  if (!solid) return groundAt(x, z, weather)
  const { frame } = solid
  const [dx, dz] = [x - frame.x, z - frame.z]
  const [lx, lz] = [dx * frame.cos - dz * frame.sin, dx * frame.sin + dz * frame.cos]
  const [mx, mz] = [nx * frame.cos - nz * frame.sin, nx * frame.sin + nz * frame.cos]
  const facesX = Math.abs(mx) > Math.abs(mz)
  const around = solid.kind === 'cylinder' ? Math.atan2(lx, lz) * solid.radius : facesX ? -lz * Math.sign(mx) : lx * Math.sign(mz)
  const slope = ny > 0.3 && ny < 0.98 ? Math.hypot(nx, nz) : 1
  const look = solid.material({ u: around, v: y / slope, up: ny, x: lx, z: lz })
  if (weather.snow && ny > 0.35 && noise(x * 1.5, z * 1.5, 8) < ny * 1.2) return { colour: SNOW }
  return look
}

const SNOW = /** @type {Colour} */ ([0.82, 0.85, 0.9])
const LAWN = /** @type {Record<import('./campus.mjs').Season, Colour>} */ (
  { spring: [0.14, 0.19, 0.07], summer: [0.13, 0.16, 0.065], autumn: [0.2, 0.19, 0.07], winter: [0.19, 0.18, 0.11] }
)

/**
 * Lawns, paths of gravel between them, and the pond by the boathouse.
 *
 * @param {number} x @param {number} z @param {Weather} weather
 * @returns {import('./materials.mjs').Look}
 */
function groundAt(x, z, { season, snow, rain }) {
  const wet = rain ? 0.25 : 0
  if (Math.hypot((x - 6) / 1.7, z - 196) < 36) return { colour: [0.05, 0.07, 0.07], mirror: 0.65 }
  const bend = 3 * Math.sin(x * 0.04) + 3 * Math.sin(z * 0.05)
  const path = Math.min(
    Math.abs(x + bend), Math.abs(z - bend - 4), Math.abs(Math.abs(x) - 44 + bend), Math.abs(z + 44 + bend),
    Math.abs(z - 108 + bend),
  )
  const grain = 0.8 + 0.4 * hash(Math.floor(x * 9), Math.floor(z * 9))
  if (path < 2.4) return { colour: dim(snow ? [0.55, 0.55, 0.56] : [0.42, 0.37, 0.3], grain * (1 - wet)), mirror: wet }
  if (snow) return { colour: dim(SNOW, 0.9 + 0.1 * cloudy(x * 0.3, z * 0.3)) }
  const leaves = season === 'autumn' && hash(Math.floor(x * 4), Math.floor(z * 4), 6) > 0.86
  const tuft = 0.55 + 0.9 * cloudy(x * 0.35, z * 0.35, 2) * grain
  return { colour: dim(leaves ? [0.45, 0.24, 0.05] : LAWN[season], tuft * (1 - wet / 2)) }
}

/** @param {Scene} scene @param {Vector} from @param {Vector} to @returns {Hit} */
function nearest({ groups }, from, to) {
  const ground = to[1] < 0 ? -from[1] / to[1] : Infinity
  /** @type {Hit} */
  const hit = { distance: Math.min(ground, FAR), solid: undefined, nx: 0, ny: 1, nz: 0 }
  const inverse = /** @type {Vector} */ ([1 / to[0], 1 / to[1], 1 / to[2]])
  for (const { bounds, solids } of groups) {
    if (!touches(bounds, from, inverse, hit.distance)) continue
    for (const solid of solids) intersect(solid, from, to, hit)
  }
  return hit
}

/** Whether anything is in the way. @param {Scene} scene @param {Vector} point @param {Vector} to @param {number} limit */
function hidden({ groups }, point, to, limit) {
  const from = /** @type {Vector} */ ([point[0] + to[0] * 0.02, point[1] + to[1] * 0.02 + 0.002, point[2] + to[2] * 0.02])
  const inverse = /** @type {Vector} */ ([1 / to[0], 1 / to[1], 1 / to[2]])
  /** @type {Hit} */
  const hit = { distance: limit, solid: undefined, nx: 0, ny: 0, nz: 0 }
  for (const { bounds, solids } of groups) {
    if (!touches(bounds, from, inverse, limit)) continue
    for (const solid of solids) {
      intersect(solid, from, to, hit)
      if (hit.solid) return true
    }
  }
  return false
}

/**
 * Exposure, white balance, falling off to the corners, a film's curve, grain.
 *
 * @param {Uint8Array} pixels @param {number} at @param {Colour} light @param {Camera} camera @param {number} x
 * @param {number} y
 */
function develop(pixels, at, light, { exposure, tint, grain, seed, width, height }, x, y) {
  const corner = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 0.5
  for (let c = 0; c < 3; c++) {
    const value = /** @type {number} */ (light[c]) * exposure * /** @type {number} */ (tint[c]) * (1 - corner)
    const curved = (value * (2.51 * value + 0.03)) / (value * (2.43 * value + 0.59) + 0.14) // Narkowicz's fit of the ACES curve
    const encoded = Math.min(1, Math.max(0, curved)) ** (1 / 2.2)
    pixels[at + c] = Math.round(
      Math.min(255, Math.max(0, encoded * 255 + (hash(seed, x, y, c + 90) + hash(seed, x, y, c + 95) - 1) * grain)),
    )
  }
}

/** @param {Vector} vector @returns {Vector} */
function unit([x, y, z]) {
  const length = Math.hypot(x, y, z)
  return [x / length, y / length, z / length]
}
