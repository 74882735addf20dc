import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { random } from '../../../src/random/sfc32.js'

export const COLOURS = ['blue', 'green', 'red'] as const

/** A folder of noisy images for each colour: three classes that a network learns in a few steps. */
export async function makeImages(root: string, each: number, size = 40): Promise<void> {
  for (const [label, colour] of COLOURS.entries()) {
    await mkdir(join(root, colour), { recursive: true })
    for (let i = 0; i < each; i++) {
      const next = random(5, label, i)
      const pixels = Uint8Array.from({ length: size * size * 3 }, (_, j) => (j % 3 === 2 - label ? 130 : 20) + next() * 100)
      await sharp(pixels, { raw: { width: size, height: size, channels: 3 } }).png().toFile(join(root, colour, `${i}.png`))
    }
  }
}
