// How an image is taken: from where, of what, in which weather.
import { buildCampus, growTrees, placeForeground, placeOf } from './campus.mjs'
import { makeRandom } from './random.mjs'
import { render } from './render.mjs'
import { drawWeather } from './weather.mjs'

/** @typedef {import('./shapes.mjs').Vector} Vector */

const LONG = 208
const SHORT = 160
const campus = buildCampus()
/** @type {Map<string, import('./campus.mjs').Group[]>} */
const woods = new Map()

/**
 * One view of a building, the same each time.
 *
 * @param {string} name @param {number} number
 * @returns {{ readonly pixels: Uint8Array, readonly width: number, readonly height: number, readonly blur: number }}
 */
export function takeImage(name, number) {
  const seed = [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), number * 7919) >>> 0
  const random = makeRandom(seed)
  const weather = drawWeather(random)
  const target = placeOf(name)
  const upright = random.chance(target.height > 2 * target.reach ? 0.6 : 0.25)
  const [width, height] = upright ? [SHORT, LONG] : [LONG, SHORT]
  const fov = random.between(42, 68)
  const size = Math.max(target.reach * 2 * (upright ? LONG / SHORT : 1), target.height * (upright ? 1 : LONG / SHORT))
  const share = random.between(0.55, 1.3) // of the image's longer side
  const distance = Math.max(target.reach + 9, (size / share / 2 / Math.tan((fov * Math.PI) / 360)) + target.reach * 0.4)
  const azimuth = (number * 0.618034 + random.between(0, 0.05)) * 2 * Math.PI // all round, evenly
  const eye = random.chance(0.8) ? random.between(1.5, 1.9) : random.between(4, 18)
  const from = /** @type {Vector} */ ([target.x + distance * Math.cos(azimuth), eye, target.z + distance * Math.sin(azimuth)])
  const aside = random.between(-0.3, 0.3) * target.reach
  const to = /** @type {Vector} */ (
    [target.x - aside * Math.sin(azimuth), target.height * random.between(0.28, 0.52), target.z + aside * Math.cos(azimuth)]
  )
  const trees = treesOf(weather.season).filter(({ bounds }) => !blocks(bounds, from, target))
  const near = placeForeground(random, { x: from[0], z: from[2] }, target, weather.season)
  const warmth = random.between(-0.09, 0.09)
  const bright = (weather.zenith[1] + weather.horizon[1]) / 2 + 0.3 * weather.sunlight[1]
  const camera = {
    from, to, roll: random.between(-0.05, 0.05), fov, width, height,
    exposure: (random.between(0.55, 0.95) / Math.sqrt(bright)) * 0.85,
    tint: /** @type {const} */ ([1 + warmth, 1, 1 - warmth]),
    grain: random.between(2, 12), seed,
  }
  const blocked = campus.filter(({ bounds }) => inside(bounds, from))
  const groups = campus.filter((group) => !blocked.includes(group))
  return {
    pixels: render({ groups: [...groups, ...trees, ...near], weather }, camera), width, height,
    blur: random.chance(0.2) ? random.between(0.4, 0.9) : 0,
  }
}

/** @param {import('./campus.mjs').Season} season */
function treesOf(season) {
  const grown = woods.get(season) ?? growTrees(season)
  woods.set(season, grown)
  return grown
}

/**
 * A tree right before the lens would be all that is seen.
 *
 * @param {import('./shapes.mjs').Bounds} bounds @param {Vector} from
 * @param {{ readonly x: number, readonly z: number }} target
 */
function blocks({ min, max }, from, target) {
  const [x, z] = [(min[0] + max[0]) / 2, (min[2] + max[2]) / 2]
  const near = Math.hypot(x - from[0], z - from[2])
  const [dx, dz] = [target.x - from[0], target.z - from[2]]
  const along = ((x - from[0]) * dx + (z - from[2]) * dz) / Math.hypot(dx, dz)
  const off = Math.sqrt(Math.max(0, near * near - along * along))
  return near < 8 || (along > 0 && along < Math.hypot(dx, dz) && off < 3 + along * 0.22 && along < 30)
}

/** @param {import('./shapes.mjs').Bounds} bounds @param {Vector} point */
function inside({ min, max }, [x, y, z]) {
  return x > min[0] - 2 && x < max[0] + 2 && z > min[2] - 2 && z < max[2] + 2 && y < max[1]
}
