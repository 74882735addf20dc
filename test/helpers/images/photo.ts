import sharp, { type Sharp } from 'sharp'
import type { Pixels } from '../../../src/images/pixels.js'
import { random } from '../../../src/random/sfc32.js'

/** Slopes, edges and some noise, as photos have. */
export function photo(width: number, height: number): Sharp {
  const next = random(width, height)
  const pixels = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const edge = (x * 7 + y * 3) % 97 < 40 ? 60 : 0
      pixels.set([(x * 190) / width + edge, (y * 190) / height + 20 * next(), 120 + edge * next()], (y * width + x) * 3)
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
}

/** By how many levels two images differ: in the mean, and at most. */
export function difference(a: Pixels, b: Pixels): { readonly mean: number; readonly worst: number } {
  if (a.width !== b.width || a.height !== b.height) throw new Error(`${a.width}×${a.height} against ${b.width}×${b.height}`)
  let [sum, worst] = [0, 0]
  for (let i = 0; i < a.data.length; i++) {
    const each = Math.abs((a.data[i] as number) - (b.data[i] as number))
    sum += each
    worst = Math.max(worst, each)
  }
  return { mean: sum / a.data.length, worst }
}
