// Where everything stands: the buildings, and for each image the trees, people and cars around them.
import { BUILDINGS, car, STREET } from './buildings.mjs'
import { cloudy, makeRandom, noise } from './random.mjs'
import { ball, boundsAround, box, cone, cylinder, frameAt, leafBall } from './shapes.mjs'

/** @typedef {import('./shapes.mjs').Solid} Solid */
/** @typedef {import('./random.mjs').Random} Random */
/**
 * Solids that stand together, so that most rays need to look at their bounds only.
 *
 * @typedef {object} Group
 * @property {import('./shapes.mjs').Bounds} bounds
 * @property {readonly Solid[]} solids
 */
/** @typedef {'spring' | 'summer' | 'autumn' | 'winter'} Season */
/** @typedef {import('./materials.mjs').Colour} Colour */

/** The plan: x, z and how each is turned. Neighbours stand in each other's images. */
const PLACES = /** @type {Record<string, readonly [number, number, number]>} */ ({
  rotunda: [0, 70, 180], library: [0, -70, 0], 'north-hall': [62, 18, -90], 'south-hall': [-62, 18, 90], 'bell-tower': [26, -18, 20],
  chapel: [-66, -58, 70], 'science-hall': [70, -62, -60], gymnasium: [-78, 88, 140], observatory: [84, 92, -140], boathouse: [0, 142, 15],
})

/** @param {string} name */
export function placeOf(name) {
  const place = PLACES[name]
  const building = BUILDINGS[name]
  if (!place || !building) throw new Error(`There is no building ${name}`)
  return { x: place[0], z: place[1], turn: place[2], reach: building.reach, height: building.height }
}

/** @returns {Group[]} */
export function buildCampus() {
  return Object.entries(BUILDINGS).map(([name, { build }]) => {
    const { x, z, turn } = placeOf(name)
    return group(build(frameAt(x, z, turn)))
  })
}

/** Trees stand where they stand; leaves come and go. @param {Season} season @returns {Group[]} */
export function growTrees(season) {
  const random = makeRandom(404)
  /** @type {Group[]} */
  const trees = []
  while (trees.length < 90) {
    const [x, z] = [random.between(-125, 125), random.between(-115, 165)]
    const kind = random.next()
    const size = random.between(0.75, 1.3)
    const free = Object.keys(PLACES).every((name) => Math.hypot(x - placeOf(name).x, z - placeOf(name).z) > placeOf(name).reach + 9)
    if (free) trees.push(group(kind < 0.25 ? fir(x, z, size) : leafy(x, z, size, season, trees.length)))
  }
  return trees
}

/**
 * Things between the camera and what it looks at, now and then.
 *
 * @param {Random} random @param {{ readonly x: number, readonly z: number }} from
 * @param {{ readonly x: number, readonly z: number, readonly reach: number }} to @param {Season} season
 * @returns {Group[]}
 */
export function placeForeground(random, from, to, season) {
  const things = Array.from({ length: Math.floor(random.between(1, 9)) }, (_, i) => {
    const along = random.between(0.12, 0.75)
    const aside = random.between(-0.5, 0.5) * Math.hypot(to.x - from.x, to.z - from.z) * along
    const [dx, dz] = [to.x - from.x, to.z - from.z]
    const length = Math.hypot(dx, dz)
    const [x, z] = [from.x + dx * along - (dz / length) * aside, from.z + dz * along + (dx / length) * aside]
    if (Math.hypot(x - to.x, z - to.z) < to.reach + 3 || Math.hypot(x - from.x, z - from.z) < 4) return []
    const kind = random.next()
    if (kind >= 0.82 && (along < 0.4 || Math.abs(aside) < 0.2 * length * along)) return []
    if (kind < 0.5) return [group(person(x, z, random))]
    if (kind < 0.68) return [group(car(frameAt(x, z, random.between(0, 360)), random.pick(CAR_COLOURS)))]
    if (kind < 0.82) return [group(lamp(x, z))]
    return [group(leafy(x, z, random.between(0.45, 0.95), season, 1000 + i))]
  })
  return things.flat()
}

const CAR_COLOURS = /** @type {readonly Colour[]} */ (
  [[0.5, 0.5, 0.52], [0.03, 0.03, 0.035], [0.35, 0.02, 0.03], [0.03, 0.08, 0.25], [0.7, 0.7, 0.68], [0.12, 0.16, 0.12]]
)
const CLOTHES = /** @type {readonly Colour[]} */ (
  [[0.5, 0.05, 0.05], [0.05, 0.1, 0.35], [0.6, 0.6, 0.58], [0.05, 0.05, 0.06], [0.6, 0.45, 0.05], [0.1, 0.3, 0.15], [0.35, 0.2, 0.4]]
)
const LEAVES = /** @type {Record<Season, readonly Colour[]>} */ ({
  spring: [[0.19, 0.27, 0.08], [0.24, 0.3, 0.1], [0.48, 0.36, 0.38]],
  summer: [[0.1, 0.16, 0.05], [0.13, 0.18, 0.06], [0.08, 0.13, 0.05]],
  autumn: [[0.5, 0.22, 0.03], [0.55, 0.38, 0.05], [0.38, 0.1, 0.03], [0.2, 0.22, 0.05]],
  winter: [[0.15, 0.125, 0.105], [0.12, 0.105, 0.095]], // twigs
})

/** @param {number} x @param {number} z @param {number} size @param {Season} season @param {number} number */
function leafy(x, z, size, season, number) {
  const random = makeRandom(505, number)
  const frame = frameAt(x, z)
  const bark = () => ({ colour: /** @type {Colour} */ ([0.12, 0.09, 0.065]) })
  const trunk = [cone(frame, bark, 0, 0, 0, 0.45 * size, 7 * size)]
  const palette = LEAVES[season]
  const colour = random.pick(palette)
  const leaves = foliage(colour)
  const crown = Array.from(
    { length: 12 },
    () => leafBall(
      frame, leaves, random.between(-2.1, 2.1) * size, random.between(3.8, 7.4) * size, random.between(-2.1, 2.1) * size,
      random.between(0.9, 1.9) * size,
    ),
  )
  return [...trunk, ...crown]
}

/** @param {number} x @param {number} z @param {number} size */
function fir(x, z, size) {
  const frame = frameAt(x, z)
  const needles = foliage([0.045, 0.1, 0.045])
  return [0, 1, 2, 3].map((i) => cone(frame, needles, 0, (0.8 + i * 2.1) * size, 0, (2.9 - i * 0.6) * size, 4.2 * size))
}

/**
 * Leaves catch the light each in its own way, and let some of what is behind them through.
 *
 * @param {Colour} colour
 * @returns {import('./materials.mjs').Material}
 */
const foliage = (colour) => ({ x, z, v }) => {
  const leaf = noise(x * 9 + v * 3, z * 9 - v * 7, 12)
  const clump = cloudy(x * 1.3 + v, z * 1.3 - v * 0.7, 13)
  return { colour: STREET.dim(colour, (0.25 + 1.1 * leaf) * (0.45 + 0.9 * clump)), rough: 0.9 }
}

/** @param {number} x @param {number} z @param {Random} random */
function person(x, z, random) {
  const frame = frameAt(x, z, random.between(0, 180))
  const shirt = random.pick(CLOTHES)
  const trousers = random.pick(CLOTHES)
  const skin = random.between(0.12, 0.5)
  const tall = random.between(0.9, 1.08)
  return [
    box(frame, () => ({ colour: STREET.dim(trousers, 0.6) }), -0.11, 0, 0, 0.17, 0.85 * tall, 0.2),
    box(frame, () => ({ colour: STREET.dim(trousers, 0.6) }), 0.11, 0, 0.12, 0.17, 0.85 * tall, 0.2),
    box(frame, () => ({ colour: shirt }), 0, 0.82 * tall, 0.05, 0.5, 0.62 * tall, 0.26),
    ball(frame, () => ({ colour: /** @type {Colour} */ ([skin, skin * 0.7, skin * 0.55]) }), 0, 1.6 * tall, 0.05, 0.14),
  ]
}

/** @param {number} x @param {number} z */
function lamp(x, z) {
  const frame = frameAt(x, z)
  return [
    cylinder(frame, STREET.dark, 0, 0, 0, 0.08, 3.6), cylinder(frame, STREET.dark, 0, 0, 0, 0.18, 0.5),
    ball(frame, () => ({ colour: /** @type {Colour} */ ([0.7, 0.68, 0.6]), glow: 1 }), 0, 3.8, 0, 0.28),
  ]
}

/** @param {readonly Solid[]} solids @returns {Group} */
function group(solids) {
  return { solids, bounds: boundsAround(solids) }
}
