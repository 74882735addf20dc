// What surfaces look like, by where on them: procedures, no images. Colours are linear light, 0–1.
import { cloudy, hash, noise } from './random.mjs'

/** @typedef {readonly [number, number, number]} Colour */
/**
 * A point of a surface: `u` runs along it and `v` up, in metres; `up` is the normal's height.
 *
 * @typedef {object} Spot
 * @property {number} u
 * @property {number} v
 * @property {number} up
 * @property {number} x
 * @property {number} z
 */
/**
 * `mirror` is the share of the sky that is seen in it; `glow` decides whether it is lit from inside; `rough` how far its normals
 * stray.
 *
 * @typedef {object} Look
 * @property {Colour} colour
 * @property {number} [mirror]
 * @property {number} [glow]
 * @property {number} [rough]
 */
/** @typedef {(spot: Spot) => Look} Material */

/** @param {Colour} colour @param {number} factor @returns {Colour} */
export const dim = ([r, g, b], factor) => [r * factor, g * factor, b * factor]

/** @param {Colour} colour @returns {Material} */
export const plain = (colour, spread = 0.1) => ({ u, v, x, z }) => (
  { colour: dim(colour, 1 - spread / 2 + spread * cloudy(u * 1.7 + x * 0.3, v * 1.7 + z * 0.3)) }
)

/** Courses of bricks, each of its own shade. @param {Colour} colour @param {number} seed @returns {Material} */
export const brick = (colour, seed = 0) => ({ u, v }) => {
  const row = Math.floor(v / 0.16)
  const along = u / 0.5 + (row % 2) / 2
  const stone = hash(Math.floor(along), row, seed)
  const joint = v / 0.16 - row < 0.16 || along - Math.floor(along) < 0.06
  const stain = 0.75 + 0.4 * cloudy(u * 0.25, v * 0.25, seed)
  return { colour: dim(joint ? [0.42, 0.39, 0.35] : dim(colour, 0.75 + 0.5 * stone), stain) }
}

/** Cut stones of half a metre. @param {Colour} colour @returns {Material} */
export const ashlar = (colour) => ({ u, v }) => {
  const row = Math.floor(v / 0.55)
  const along = u / 1.1 + hash(row, 7)
  const joint = v / 0.55 - row < 0.07 || along - Math.floor(along) < 0.035
  return { colour: dim(colour, (joint ? 0.6 : 0.8 + 0.35 * hash(Math.floor(along), row)) * (0.8 + 0.3 * cloudy(u * 0.4, v * 0.4, 3))) }
}

/** Rows of slates or tiles, seen along the slope. @param {Colour} colour @returns {Material} */
export const tiles = (colour) => ({ u, v, x, z }) => {
  const row = Math.floor(v / 0.35)
  const shade = 0.7 + 0.45 * hash(Math.floor(u / 0.4 + (row % 2) / 2), row, 5)
  return { colour: dim(colour, shade * (v / 0.35 - row < 0.15 ? 0.65 : 1) * (0.8 + 0.4 * cloudy(x * 0.2, z * 0.2, 9))) }
}

/** Standing seams of sheet metal. @param {Colour} colour @returns {Material} */
export const seams = (colour) => ({ u, x, z }) => {
  const along = u / 0.7
  return { colour: dim(colour, (along - Math.floor(along) < 0.12 ? 0.75 : 1) * (0.8 + 0.35 * cloudy(x * 0.5, z * 0.5, 4))), mirror: 0.08 }
}

/** Boards. @param {Colour} colour @returns {Material} */
export const boards = (colour, upright = false) => ({ u, v }) => {
  const across = (upright ? u : v) / 0.28
  const board = Math.floor(across)
  const along = upright ? v : u
  return { colour: dim(colour, (across - board < 0.1 ? 0.5 : 0.85 + 0.25 * hash(board, 11)) * (0.85 + 0.3 * noise(along * 0.8, board, 2))) }
}

/**
 * A wall with rows of windows.
 *
 * @typedef {object} WindowRow
 * @property {number} from height of the sills
 * @property {number} height
 * @property {number} width
 * @property {number} spacing between middles
 * @property {'flat' | 'round' | 'pointed'} [top]
 * @property {number} [pair] windows in each bay, side by side
 * @property {number} [panes] bars across
 * @property {number} [reach] how far from the wall's middle they go
 * @property {boolean} [dark] an opening, without glass
 *
 * @param {Material} wall @param {readonly WindowRow[]} rows @param {Colour} trim
 * @returns {Material}
 */
export const facade = (wall, rows, trim = [0.75, 0.73, 0.68]) => (spot) => {
  if (Math.abs(spot.up) > 0.3) return wall(spot)
  for (const [i, row] of rows.entries()) {
    const seen = windowAt(row, spot, i, trim)
    if (seen) return seen
  }
  return wall(spot)
}

/** @param {WindowRow} row @param {Spot} spot @param {number} floor @param {Colour} trim @returns {Look | undefined} */
function windowAt(
  { from, height, width, spacing, top = 'flat', pair = 1, panes = 2, reach = Infinity, dark = false }, { u, v }, floor, trim,
) {
  const frame = 0.16
  if (v < from - 0.3 || v > from + height + frame + 0.1 || Math.abs(u) > reach) return undefined
  const bay = Math.round(u / spacing)
  const gap = width + 0.35
  const slot = Math.round((u - bay * spacing) / gap + (pair - 1) / 2)
  if (slot < 0 || slot >= pair) return undefined
  const x = Math.abs(u - bay * spacing - (slot - (pair - 1) / 2) * gap)
  if (v < from) return x < width / 2 + 0.22 && v > from - 0.22 ? { colour: trim } : undefined // the sill
  const half = top === 'flat' ? width / 2 : archHalf(top, width, v - from - (height - width / 2 - (top === 'pointed' ? width * 0.35 : 0)))
  if (v < from + height && x < half) {
    if (dark) return { colour: dim([0.05, 0.045, 0.04], 0.6 + 0.5 * ((v - from) / height)) }
    const bar = width / 2 / panes
    if (x % (bar * 2) < 0.05 || Math.abs(((v - from) % 0.85) - 0.42) < 0.035) return { colour: trim }
    const shadow = v > from + height - 0.3 || u - bay * spacing > half - 0.15 ? 0.4 : 1 // of the reveal
    const curtain = hash(bay, slot, floor, 21)
    const colour = /** @type {Colour} */ (curtain > 0.75 && v - from > height * 0.45 ? [0.4, 0.38, 0.33] : [0.05, 0.06, 0.07])
    return { colour: dim(colour, shadow), mirror: 0.45 * shadow, glow: hash(bay, slot, floor, 33) }
  }
  const outer = top === 'flat' ? width / 2 + frame : half + frame
  return v < from + height + frame && x < outer ? { colour: trim } : undefined
}

/** Half the width of an arch at `rise` above its springing. @param {'round' | 'pointed'} top @param {number} width @param {number} rise */
function archHalf(top, width, rise) {
  if (rise <= 0) return width / 2
  if (top === 'round') return Math.sqrt(Math.max(0, (width / 2) ** 2 - rise ** 2))
  const radius = width * 0.95
  return Math.max(0, Math.sqrt(Math.max(0, radius ** 2 - rise ** 2)) - (radius - width / 2))
}

/**
 * One thing drawn on a wall, such as a door or a clock, before the wall's own look.
 *
 * @param {Material} wall @param {(spot: Spot) => Look | undefined} thing
 * @returns {Material}
 */
export const withThing = (wall, thing) => (spot) => (Math.abs(spot.up) < 0.3 ? thing(spot) : undefined) ?? wall(spot)

/** @param {number} width @param {number} height @param {Colour} colour @param {boolean} [round] */
export const door = (width, height, colour, round = false, base = 0) => (/** @type {Spot} */ { u, v }) => {
  const x = Math.abs(u)
  const half = round ? archHalf('round', width, v - base - (height - width / 2)) : width / 2
  if (v < base || v > base + height + 0.2) return undefined
  if (x < half && v < base + height) {
    return { colour: dim(colour, x < 0.06 ? 0.4 : 0.85 + 0.3 * hash(Math.floor(x * 4), Math.floor(v * 1.2), 3)) }
  }
  return x < half + 0.25 ? { colour: /** @type {Colour} */ ([0.7, 0.68, 0.63]) } : undefined
}

/** @param {number} radius @param {number} at height of its middle */
export const clock = (radius, at) => (/** @type {Spot} */ { u, v }) => {
  const [x, y] = [u, v - at]
  const r = Math.hypot(x, y)
  if (r > radius) return undefined
  const hand = (Math.abs(x - y * 0.3) < 0.1 && y > 0 && r < radius * 0.8) || (Math.abs(y + x * 0.2) < 0.1 && x > 0 && r < radius * 0.55)
  return { colour: /** @type {Colour} */ (r > radius * 0.9 || hand ? [0.06, 0.06, 0.07] : [0.8, 0.78, 0.7]) }
}
