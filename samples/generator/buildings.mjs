// The ten buildings. They share bricks, roofs, columns and windows, so that no single trait gives one away.
import { ashlar, boards, brick, clock, dim, door, facade, plain, seams, tiles, withThing } from './materials.mjs'
import { ball, barrel, body, box, cone, cylinder, gable, hip } from './shapes.mjs'

/** @typedef {import('./shapes.mjs').Frame} Frame */
/** @typedef {import('./shapes.mjs').Solid} Solid */
/**
 * `reach`: half its size, for the camera to keep away and to frame.
 *
 * @typedef {object} Building
 * @property {number} reach
 * @property {number} height
 * @property {(frame: Frame) => Solid[]} build
 */
/** @typedef {import('./materials.mjs').Colour} Colour */

const RED = brick([0.36, 0.13, 0.08], 1)
const BROWN = brick([0.29, 0.15, 0.1], 2)
const STONE = ashlar([0.5, 0.45, 0.36])
const WHITE = plain([0.74, 0.72, 0.67])
const STUCCO = plain([0.62, 0.56, 0.45], 0.2)
const CONCRETE = plain([0.45, 0.44, 0.42], 0.3)
const SLATE = tiles([0.14, 0.15, 0.18])
const CLAY = tiles([0.36, 0.17, 0.1])
const COPPER = seams([0.22, 0.4, 0.33])
const LEAD = seams([0.36, 0.38, 0.4])
const SHINGLE = tiles([0.24, 0.19, 0.14])
const WOOD = boards([0.33, 0.2, 0.12])
const DARK = plain([0.05, 0.05, 0.05])
const OAK = /** @type {Colour} */ ([0.17, 0.09, 0.05])
const GREEN = /** @type {Colour} */ ([0.06, 0.14, 0.09])

/**
 * Columns in a row under an entablature, with a pediment if asked for, before the wall at z.
 *
 * @param {Frame} frame @param {number} x @param {number} z @param {number} width @param {number} height
 * @param {number} count
 */
function portico(frame, x, z, width, height, count, pediment = 0, base = 0.9) {
  const depth = 3.6
  const middle = z + depth / 2
  const columns = Array.from({ length: count }, (_, i) => {
    const at = x - width / 2 + 0.7 + ((width - 1.4) * i) / (count - 1)
    return [
      cylinder(frame, WHITE, at, base, z + depth - 0.7, 0.45, height),
      box(frame, WHITE, at, base + height - 0.35, z + depth - 0.7, 1.2, 0.35, 1.2),
    ]
  })
  const steps = [0, 1, 2].map(
    (i) => box(frame, STONE, x, 0, middle + (2 - i) * 0.35, width + (2 - i) * 0.5, (base * (i + 1)) / 3, depth + 0.2),
  )
  const lid = box(frame, WHITE, x, base + height, middle, width + 0.4, 1.1, depth + 0.3)
  return [
    ...columns.flat(), ...steps, lid,
    ...(pediment > 0 ? [gable(frame, WHITE, x, base + height + 1.1, middle, width + 0.8, pediment, depth + 0.5, true)] : []),
  ]
}

/**
 * A low wall and windows on three floors, as both halls have it.
 *
 * @param {import('./materials.mjs').WindowRow} row @param {number} floors @param {number} rise
 */
const floorsOf = (row, floors, rise) => Array.from({ length: floors }, (_, i) => ({ ...row, from: row.from + i * rise }))

/** @type {Record<string, Building>} */
export const BUILDINGS = {
  'bell-tower': {
    reach: 5, height: 31,
    build: (f) => {
      const shaft = withThing(
        facade(
          RED,
          [
            { from: 5, height: 1.8, width: 0.8, spacing: 9 }, { from: 11, height: 1.8, width: 0.8, spacing: 9 },
            { from: 21.5, height: 3.2, width: 1.5, spacing: 2.3, top: 'round', reach: 2.4, dark: true },
          ],
        ),
        (s) => clock(1.5, 17.8)(s) ?? door(1.8, 3, OAK, true)(s),
      )
      return [
        box(f, STONE, 0, 0, 0, 8.2, 1.2, 8.2), box(f, shaft, 0, 0, 0, 7.2, 26, 7.2), box(f, WHITE, 0, 20.3, 0, 7.8, 0.5, 7.8),
        box(f, WHITE, 0, 25.6, 0, 8, 0.8, 8),
        hip(f, COPPER, 0, 26.4, 0, 7.6, 6.5, 7.6), cone(f, LEAD, 0, 32.5, 0, 0.2, 2),
        ...[-1, 1].flatMap((x) => [-1, 1].map((z) => cone(f, WHITE, x * 3.5, 26.4, z * 3.5, 0.5, 2.2))),
      ]
    },
  },
  boathouse: {
    reach: 10, height: 9,
    build: (f) => {
      const front = withThing(
        facade(WOOD, [{ from: 4.4, height: 1.2, width: 1.1, spacing: 3.2, reach: 3.4 }]),
        (s) => [-4.4, 0, 4.4].map((x) => door(3.2, 3.4, GREEN)({ ...s, u: s.u - x })).find((look) => look),
      )
      const sides = facade(front, [])
      return [
        box(f, CONCRETE, 0, 0, 0, 15, 0.4, 21), box(f, sides, 0, 0.4, 0, 14, 5, 19),
        gable(f, SHINGLE, 0, 5.4, 0, 15.6, 4.2, 20.4, true), gable(f, WOOD, 0, 5.35, 0, 14, 3.75, 19.2, true),
        box(f, WHITE, 0, 5.2, 9.6, 14.4, 0.3, 0.3), box(f, WOOD, 0, 5, 11.6, 14, 0.25, 4.4),
        ...[-6.5, -2.2, 2.2, 6.5].map((x) => cylinder(f, WHITE, x, 0, 13.4, 0.17, 5)), box(f, SHINGLE, 0, 9.2, -4, 2, 1.6, 2),
        hip(f, SHINGLE, 0, 10.8, -4, 2.6, 1.1, 2.6),
      ]
    },
  },
  chapel: {
    reach: 12, height: 24,
    build: (f) => {
      const nave = facade(STONE, [{ from: 2.6, height: 4.6, width: 1.5, spacing: 4.1, top: 'pointed', reach: 9.5 }])
      const west = withThing(
        facade(STONE, [{ from: 6.2, height: 4.4, width: 2.2, spacing: 20, top: 'pointed', panes: 3 }]), door(2.2, 3.6, OAK, true),
      )
      return [
        box(f, nave, 0, 0, 0, 10, 8.6, 23), gable(f, SLATE, 0, 8.6, 0, 11, 7, 23.4, true), gable(f, STONE, 0, 8.5, 0, 10, 6.6, 24, true),
        ...[-8.2, -4.1, 0, 4.1, 8.2].flatMap((z) => [-5.4, 5.4].map((x) => box(f, STONE, x, 0, z + 2.05, 1.2, 6.4, 0.8))),
        box(f, west, 0, 0, 13.4, 5.6, 14.5, 5), hip(f, SLATE, 0, 14.5, 13.4, 5.8, 10.5, 5.2),
        ...[-1, 1].map((x) => cone(f, STONE, x * 2.5, 14.5, 15.6, 0.5, 2.6)), box(f, nave, 0, 0, -13, 7, 6, 4),
        hip(f, SLATE, 0, 6, -13, 7.4, 3.4, 5),
      ]
    },
  },
  gymnasium: {
    reach: 19, height: 15,
    build: (f) => {
      const hall = withThing(
        facade(
          BROWN,
          [{ from: 6.2, height: 2.6, width: 3.2, spacing: 4.2, panes: 4 }, { from: 1.4, height: 1.3, width: 1.6, spacing: 4.2 }],
        ),
        door(4.4, 3, GREEN),
      )
      return [
        box(f, hall, 0, 0, 0, 36, 10, 24), barrel(f, LEAD, 0, 10, 0, 36.4, 5.2, 24.4), box(f, CONCRETE, 0, 9.6, 0, 36.6, 0.7, 24.6),
        ...[-16.8, -8.4, 0, 8.4, 16.8].flatMap((x) => [-12.2, 12.2].map((z) => box(f, BROWN, x + 2.1, 0, z, 1, 10, 0.9))),
        box(f, CONCRETE, 0, 3.4, 13.6, 9, 0.5, 4), ...[-4, 4].map((x) => box(f, CONCRETE, x, 0, 15.2, 0.6, 3.4, 0.6)),
        box(f, BROWN, -21, 0, 2, 8, 5.5, 14), box(f, CONCRETE, -21, 5.5, 2, 8.3, 0.5, 14.3),
      ]
    },
  },
  library: {
    reach: 19, height: 17,
    build: (f) => {
      const middle = withThing(
        facade(RED, [{ from: 2, height: 3.6, width: 1.7, spacing: 4, top: 'round' }, { from: 7.8, height: 2.2, width: 1.6, spacing: 4 }]),
        door(2.4, 3.8, OAK, false, 0.9),
      )
      const wing = facade(
        RED,
        [{ from: 1.8, height: 3.4, width: 1.7, spacing: 3.6, top: 'round' }, { from: 6.8, height: 1.7, width: 1.6, spacing: 3.6 }],
      )
      return [
        box(f, middle, 0, 0, 0, 20, 11.5, 16), hip(f, SLATE, 0, 12.2, 0, 20.8, 5, 16.8), box(f, WHITE, 0, 11.5, 0, 20.8, 0.7, 16.8),
        ...[-1, 1].flatMap(
          (x) => [
            box(f, wing, x * 15, 0, 0, 11, 9.4, 13), box(f, WHITE, x * 15, 9.4, 0, 11.6, 0.6, 13.6),
            hip(f, SLATE, x * 15, 10, 0, 11.4, 3.2, 13.4),
          ],
        ),
        ...portico(f, 0, 8, 13, 8.6, 6, 3.2), box(f, RED, 6, 14, 0, 1.6, 5, 1.6), box(f, RED, -6, 14, 0, 1.6, 5, 1.6),
      ]
    },
  },
  'north-hall': {
    reach: 17, height: 16,
    build: (f) => {
      const wall = withThing(
        facade(RED, floorsOf({ from: 1.6, height: 1.9, width: 1.15, spacing: 2.7, panes: 2 }, 3, 3.5)),
        door(1.6, 2.7, GREEN, false, 0.8),
      )
      return [
        box(f, wall, 0, 0, 0, 32, 11.2, 13), box(f, WHITE, 0, 11.2, 0, 32.6, 0.5, 13.6), gable(f, SLATE, 0, 11.7, 0, 33, 5, 14.2),
        gable(f, RED, 0, 11.6, 0, 32.2, 4.5, 13),
        ...[-10.8, -5.4, 0, 5.4, 10.8].flatMap(
          (x) => [-1, 1].flatMap(
            (z) => [box(f, WHITE, x, 12.4, z * 4.6, 1.7, 1.9, 2.4), gable(f, SLATE, x, 14.3, z * 4.4, 2.1, 0.9, 3, true)],
          ),
        ),
        ...portico(f, 0, 6.5, 7.4, 3.3, 4), ...[-13.4, 13.4].map((x) => box(f, RED, x, 13, 0, 1.4, 5.4, 2.6)),
      ]
    },
  },
  observatory: {
    reach: 11, height: 17,
    build: (f) => {
      const drum = withThing(facade(STUCCO, [{ from: 1.8, height: 2.2, width: 1.1, spacing: 3.7, top: 'round' }]), door(1.6, 2.8, OAK))
      const annex = withThing(facade(STUCCO, [{ from: 1.5, height: 1.9, width: 1.1, spacing: 3 }]), door(1.5, 2.6, OAK))
      return [
        cylinder(f, drum, 0, 0, 0, 7.2, 7), cylinder(f, WHITE, 0, 7, 0, 7.6, 0.6), cylinder(f, STUCCO, 0, 7.6, 0, 6.2, 2.2),
        ball(f, LEAD, 0, 9.4, 0, 6.3),
        box(f, DARK, 0, 9.8, 3.2, 1.3, 5.2, 6.1), ...[-0.8, 0.8].map((x) => box(f, LEAD, x, 9.8, 3.2, 0.3, 5.6, 6.4)),
        box(f, annex, -11, 0, 0, 10, 5, 8), hip(f, CLAY, -11, 5, 0, 10.8, 2.4, 8.8),
      ]
    },
  },
  rotunda: {
    reach: 15, height: 21,
    build: (f) => {
      const drum = withThing(
        facade(RED, [{ from: 2.2, height: 3, width: 1.5, spacing: 4.4 }, { from: 7.8, height: 1.8, width: 1.3, spacing: 4.4 }]),
        door(2.2, 3.8, OAK, false, 0.9),
      )
      return [
        cylinder(f, drum, 0, 0, 0, 11.4, 12), cylinder(f, WHITE, 0, 11.2, 0, 11.9, 1.4), cylinder(f, WHITE, 0, 12.6, 0, 10.2, 0.7),
        cylinder(f, WHITE, 0, 13.3, 0, 9.2, 0.7), ball(f, WHITE, 0, 10.6, 0, 9.6), cylinder(f, WHITE, 0, 20, 0, 1.6, 1),
        ...portico(f, 0, 10, 14, 9.4, 6, 3.4), box(f, RED, 0, 0, 9, 13.4, 10.6, 4),
      ]
    },
  },
  'science-hall': {
    reach: 19, height: 17,
    build: (f) => {
      const strips = facade(CONCRETE, floorsOf({ from: 1.2, height: 2, width: 4.2, spacing: 4.6, panes: 4 }, 4, 3.7), [0.25, 0.26, 0.28])
      const tower = facade(BROWN, [{ from: 1, height: 13.5, width: 1.4, spacing: 3, panes: 1 }], [0.25, 0.26, 0.28])
      return [
        box(f, strips, 0, 0, 0, 32, 15.2, 15), box(f, CONCRETE, 0, 15.2, 0, 32.5, 0.8, 15.5), box(f, tower, 11, 0, 7, 7.5, 18, 5),
        box(f, CONCRETE, 11, 18, 7, 8, 0.6, 5.5),
        ...[-10, -4, 2].map((x) => box(f, LEAD, x, 16, -1, 3.4, 1.8, 3)),
        ...[-12, -9.5, 6].map((x) => cylinder(f, LEAD, x, 16, 3, 0.5, 2.8)),
        box(f, CONCRETE, -6, 3.3, 9.4, 9, 0.45, 4.4), ...[-10, -2].map((x) => cylinder(f, CONCRETE, x, 0, 11, 0.3, 3.3)),
      ]
    },
  },
  'south-hall': {
    reach: 17, height: 16,
    build: (f) => {
      const wall = withThing(
        facade(
          RED,
          [
            { from: 1.2, height: 2.6, width: 1.5, spacing: 4.2, top: 'round' },
            ...floorsOf({ from: 5, height: 1.8, width: 0.9, spacing: 4.2, pair: 2, panes: 1 }, 2, 3.4),
          ],
        ),
        door(1.7, 2.8, GREEN, true, 0.8),
      )
      const porch = [-3.2, 3.2].map((x) => box(f, RED, x, 0, 9, 1, 3.8, 1))
      return [
        box(f, STONE, 0, 0, 0, 32.4, 1, 13.4), box(f, wall, 0, 0, 0, 32, 11.2, 13), box(f, WHITE, 0, 11.2, 0, 32.6, 0.5, 13.6),
        hip(f, SLATE, 0, 11.7, 0, 33, 5, 14.2),
        ...porch, box(f, WHITE, 0, 3.8, 8, 8, 0.4, 3.4), hip(f, SLATE, 0, 4.2, 8, 8.4, 1.5, 3.8), box(f, STONE, 0, 0, 8.4, 8.4, 0.6, 4),
        box(f, RED, -6, 12.6, 1.5, 2.4, 4.8, 1.4), box(f, RED, 6, 12.6, 1.5, 2.4, 4.8, 1.4),
      ]
    },
  },
}

/** The stuff that scenes around the buildings are made of. */
export const STREET = { dark: DARK, dim }

/** A wedge-nosed body that passes for a car from a street's width. @param {Frame} frame @param {Colour} colour @returns {Solid[]} */
export function car(frame, colour) {
  const paint = () => ({ colour, mirror: 0.15 })
  const glass = () => ({ colour: /** @type {Colour} */ ([0.03, 0.035, 0.04]), mirror: 0.4 })
  const cabin = body(
    frame, glass, [[0, 1, 0, 1.5], [0, -1, 0, -0.8], [1, 0.7, 0, 1.9], [-1, 0.7, 0, 2.1], [0, 0.3, 1, 1.1], [0, 0.3, -1, 1.1]],
    { x: [-2.1, 1.9], y: [0.8, 1.5], z: [-0.85, 0.85] },
  )
  const wheels = [-1.3, 1.3].flatMap((x) => [-0.8, 0.8].map((z) => ball(frame, DARK, x, 0.3, z, 0.33)))
  return [box(frame, paint, 0, 0.3, 0, 4.2, 0.6, 1.75), cabin, box(frame, paint, -0.1, 1.46, 0, 1.7, 0.08, 1.5), ...wheels]
}
