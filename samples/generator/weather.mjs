// The light of a day: where the sun stands, what the sky looks like, what lies in the air and on the ground.
import { dim } from './materials.mjs'
import { cloudy } from './random.mjs'

/** @typedef {import('./materials.mjs').Colour} Colour */
/** @typedef {import('./shapes.mjs').Vector} Vector */
/** @typedef {import('./random.mjs').Random} Random */
/**
 * @typedef {object} Weather
 * @property {Vector} sun direction to it
 * @property {Colour} sunlight
 * @property {Colour} zenith
 * @property {Colour} horizon
 * @property {number} clouds share of the sky
 * @property {number} seed of their shapes
 * @property {number} fog per metre
 * @property {boolean} snow
 * @property {boolean} rain
 * @property {number} lit share of windows with light inside
 * @property {import('./campus.mjs').Season} season
 */

/** @param {Random} random @returns {Weather} */
export function drawWeather(random) {
  const season = random.pick(/** @type {const} */ (['spring', 'summer', 'summer', 'autumn', 'winter']))
  const time = random.next()
  const dusk = time < 0.13
  const low = time < 0.42
  const overcast = random.chance(0.33)
  const height = dusk ? random.between(0.02, 0.06) : low ? random.between(0.15, 0.4) : random.between(0.5, 1.1)
  const azimuth = random.between(0, 2 * Math.PI)
  const sun = /** @type {Vector} */ ([Math.cos(height) * Math.cos(azimuth), Math.sin(height), Math.cos(height) * Math.sin(azimuth)])
  const warm = dusk ? 0.8 : low ? 0.45 : 0.1
  const strength = overcast ? random.between(0.05, 0.25) : dusk ? 0.35 : random.between(1.7, 2.4)
  const grey = /** @type {Colour} */ ([0.62, 0.65, 0.69])
  const blue = /** @type {Colour} */ ([0.2, 0.38, 0.72])
  const brightness = dusk ? 0.22 : low ? 0.75 : 1
  return {
    sun,
    sunlight: [strength, strength * (0.95 - 0.35 * warm), strength * (0.88 - 0.65 * warm)],
    zenith: dim(overcast ? grey : blue, brightness * (overcast ? 0.95 : 0.8)),
    horizon: overcast ? dim(grey, brightness * 1.15) : mix(
      dim([0.68, 0.77, 0.88], brightness), dim([1, 0.6, 0.32], brightness * 1.2), warm,
    ),
    clouds: overcast ? 1 : random.between(0, 0.6),
    seed: Math.floor(random.between(0, 1e6)),
    fog: random.chance(0.14) ? random.between(0.006, 0.017) : random.between(0.0004, 0.002),
    snow: season === 'winter' && random.chance(0.6),
    rain: overcast && season !== 'winter' && random.chance(0.4),
    lit: dusk ? random.between(0.35, 0.8) : overcast && low ? 0.3 : 0.05,
    season,
  }
}

/** The sky in a direction. @param {Weather} weather @param {number} x @param {number} y @param {number} z @returns {Colour} */
export function skyAt({ sun, sunlight, zenith, horizon, clouds, seed }, x, y, z) {
  const up = Math.max(0, y)
  let sky = mix(horizon, zenith, 1 - (1 - up) ** 3)
  if (clouds > 0 && up > 0.01) {
    const cover = cloudy((x / (up + 0.12)) * 0.9 + 50, (z / (up + 0.12)) * 0.9 + 50, seed)
    const density = Math.min(1, Math.max(0, (cover - 0.72 + clouds * 0.45) * 4)) * Math.min(1, up * 6)
    const white = dim([0.95, 0.94, 0.92], (horizon[0] + horizon[1] + horizon[2]) / 2.7)
    sky = mix(sky, dim(white, 1.15 - 0.5 * cover), clouds === 1 ? density * 0.5 : density)
  }
  const near = Math.max(0, x * sun[0] + y * sun[1] + z * sun[2])
  const glare = near ** 60 * 0.5 + near ** 6 * 0.08
  return [sky[0] + sunlight[0] * glare, sky[1] + sunlight[1] * glare, sky[2] + sunlight[2] * glare]
}

/** @param {Colour} a @param {Colour} b @param {number} share @returns {Colour} */
export function mix(a, b, share) {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share]
}
