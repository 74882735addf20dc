import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { hash, makeRandom } from '../../../samples/generator/random.mjs'

/** @typedef {{ readonly classes: number, readonly images: number, readonly width: number, readonly height: number }} Sizes */

/**
 * Fills a folder with images of buildings, a folder for each: façades with windows, each building in colours and
 * proportions of its own, under another sky, from another place and in other light each time; every sixth image is upright.
 * Some seconds' work.
 *
 * @param {string} folder @param {Sizes} sizes images: in all
 */
export async function makeBuildings(folder, { classes, images, width, height }) {
  for (let label = 0; label < classes; label++) {
    const name = join(folder, `building-${String(label + 1).padStart(2, '0')}`)
    await mkdir(name, { recursive: true })
    const files = Array.from({ length: Math.floor((images + classes - 1 - label) / classes) }, (_, i) => {
      const [wide, high] = i % 6 === 5 ? [height, width] : [width, height]
      const image = sharp(takeImage(label, i, wide, high), { raw: { width: wide, height: high, channels: 3 } })
      return image.jpeg({ quality: 88 }).toFile(join(name, `${String(i + 1).padStart(2, '0')}.jpg`))
    })
    await Promise.all(files)
  }
}

/** @param {number} label @param {number} number @param {number} width @param {number} height */
function takeImage(label, number, width, height) {
  const building = design(label)
  const random = makeRandom(7, label, number)
  const light = random.between(0.65, 1.2)
  const [left, top] = [random.between(0.05, 0.3), random.between(0.2, 0.4)]
  const [wide, tall] = [random.between(0.55, 0.7), random.between(0.55, 0.7)]
  const lean = random.between(-0.1, 0.1)
  const sky = [random.between(90, 220), random.between(130, 220), random.between(150, 250)]
  const pixels = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = (x / width - left - lean * (y / height - 0.5)) / wide
      const v = (y / height - top) / tall
      const colour = colourAt(building, u, v) ?? (v > 1 ? GRASS : sky)
      const grain = (hash(label, number, y * width + x) - 0.5) * 36
      for (const [c, part] of colour.entries()) pixels[(y * width + x) * 3 + c] = Math.min(255, Math.max(0, part * light + grain))
    }
  }
  return pixels
}

const GRASS = [70, 110, 50]

/** @param {number} label */
function design(label) {
  const random = makeRandom(3, label)
  const colour = () => [random.between(60, 220), random.between(50, 200), random.between(40, 190)]
  return {
    wall: colour(),
    window: colour(),
    roof: colour(),
    columns: Math.floor(random.between(3, 9)),
    rows: Math.floor(random.between(2, 7)),
    share: random.between(0.3, 0.7),
    gable: random.between(0.1, 0.9),
  }
}

/**
 * Of the building, whose façade is the unit square; undefined beside it.
 *
 * @param {ReturnType<typeof design>} building @param {number} u @param {number} v
 */
function colourAt({ wall, window, roof, columns, rows, share, gable }, u, v) {
  if (u < 0 || u > 1 || v > 1) return undefined
  if (v < 0) return -v * 4 < gable * (1 - Math.abs(2 * u - 1)) ? roof : undefined
  return (u * columns) % 1 < share && (v * rows) % 1 < share ? window : wall
}
