import { writeFileSync } from 'node:fs'
import { mkdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

const CLASSES = 100
const SIDE = 16
/** A file takes at least a block. */
const BLOCK = 4096

/**
 * Fills a folder with small JPEGs in 100 classes, no two alike: each holds its number as a comment, after one of 100 colours.
 *
 * @param {string} folder @param {number} count
 * @returns {Promise<number>} bytes of a file
 */
export async function makeImages(folder, count) {
  const colours = await Promise.all(Array.from({ length: CLASSES }, (_, i) => encode(i)))
  for (let label = 0; label < CLASSES; label++) await mkdir(join(folder, `class-${label}`), { recursive: true })
  for (let i = 0; i < count; i++) {
    const label = i % CLASSES
    const jpeg = withComment(/** @type {Buffer} */ (colours[label]), String(i).padStart(8, '0'))
    writeFileSync(join(folder, `class-${label}`, `${i}.jpg`), jpeg)
  }
  return withComment(/** @type {Buffer} */ (colours[0]), '00000000').length
}

/** What keeps a folder from taking so many, in words; nothing where it has room. @param {string} folder @param {number} count */
export async function whyNoRoom(folder, count) {
  const { bavail, bsize, ffree } = await statfs(folder)
  if (ffree > 0 && ffree < count * 1.1) return `${folder} has room for ${ffree} files`
  if (bavail * bsize < count * BLOCK * 1.2) return `${folder} has ${Math.round((bavail * bsize) / 1e9)} GB of room`
  return undefined
}

/** @param {number} colour */
function encode(colour) {
  const background = { r: (colour * 37) % 256, g: (colour * 101) % 256, b: (colour * 197) % 256 }
  return sharp({ create: { width: SIDE, height: SIDE, channels: 3, background } }).jpeg().toBuffer()
}

/** A JPEG's comment comes right after its start. @param {Buffer} jpeg @param {string} text */
function withComment(jpeg, text) {
  const comment = Buffer.from(text)
  const head = Buffer.from([0xff, 0xfe, 0, comment.length + 2])
  return Buffer.concat([jpeg.subarray(0, 2), head, comment, jpeg.subarray(2)])
}
