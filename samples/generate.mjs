// Makes the sample images: node samples/generate.mjs [FOLDER [BUILDING]]
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { BUILDINGS } from './generator/buildings.mjs'
import { takeImage } from './generator/view.mjs'

export const VIEWS = 44
const QUALITY = 84

/** @param {string} name @param {number} number */
export async function encodeImage(name, number) {
  const { pixels, width, height, blur } = takeImage(name, number)
  const image = sharp(pixels, { raw: { width, height, channels: 3 } })
  return (blur > 0 ? image.blur(blur) : image).jpeg({ quality: QUALITY, mozjpeg: true }).toBuffer()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? fileURLToPath(new URL('campus', import.meta.url))
  for (const name of process.argv[3] ? [process.argv[3]] : Object.keys(BUILDINGS)) {
    mkdirSync(join(folder, name), { recursive: true })
    for (let i = 0; i < VIEWS; i++) writeFileSync(join(folder, name, `${String(i + 1).padStart(2, '0')}.jpg`), await encodeImage(name, i))
    console.log(name)
  }
}
