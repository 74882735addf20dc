import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { decodeBySharp } from '../../src/images/decode-sharp.js'
import { decodeJpeg } from '../../src/images/jpeg/decode-jpeg.js'
import { decodeImage } from '../../src/images/decode.js'
import type { Pixels } from '../../src/images/pixels.js'
import type { ResizeRule } from '../../src/images/resize-rule.js'
import { random } from '../../src/random/sfc32.js'
import { jpegDecoder } from '../../src/images/jpeg/jpeg-decoder.js'
import { difference, photo } from '../helpers/images/photo.js'
import { skip } from '../helpers/skip.js'

const WHOLE: ResizeRule = { shorterSide: null, crop: null, antialias: true, pad: null, orient: true, profile: true }
const jpeg = (bytes: Uint8Array, rule: ResizeRule): Promise<Pixels | undefined> => decodeJpeg(bytes, bytes.length, rule)

async function against(bytes: Uint8Array, rule: ResizeRule): Promise<{ readonly mean: number; readonly worst: number }> {
  const decoded = await jpeg(bytes, rule)
  expect(decoded).toBeDefined()
  return difference(decoded!, await decodeBySharp(bytes, rule))
}

if (!jpegDecoder()) skip('JPEGs by libjpeg-turbo', 'it is not there for this system')
else describe('JPEGs by libjpeg-turbo', () => {
  const kinds: Record<string, (image: Sharp) => Sharp> = {
    'at 4:2:0': (image) => image.jpeg({ quality: 85 }),
    'at 4:4:4': (image) => image.jpeg({ quality: 97, chromaSubsampling: '4:4:4' }),
    'in grey': (image) => image.greyscale().toColourspace('b-w').jpeg(),
    progressive: (image) => image.jpeg({ quality: 60, progressive: true }),
  }
  test.each(Object.entries(kinds))('whole images have the very bytes of sharp’s, %s', async (_, encode) => {
    for (const [width, height] of [[64, 48], [37, 101], [1, 1], [17, 2]] as const) {
      expect(await against(await encode(photo(width, height)).toBuffer(), WHOLE)).toEqual({ mean: 0, worst: 0 })
      const bytes = await encode(photo(width, height)).toBuffer()
      expect(await against(bytes, { ...WHOLE, orient: false, profile: false })).toEqual({ mean: 0, worst: 0 })
    }
  })

  // Both scale in the DCT by the same power of two; the averaging after it is rounded otherwise.
  test.each([200, 150, 100, 64, 48, 29, 20])('made smaller, to %i of 240 pixels, half a level from sharp’s in the mean', async (shorterSide) => {
    const bytes = await photo(320, 240).jpeg({ quality: 90 }).toBuffer()
    for (const rule of [{ ...WHOLE, shorterSide }, { ...WHOLE, shorterSide, crop: Math.round(shorterSide * 0.87) }]) {
      const { mean, worst } = await against(bytes, rule)
      expect(mean).toBeLessThan(0.5)
      expect(worst).toBeLessThan(20)
    }
  })

  test('made larger, bilinear between the pixels’ centres, as PyTorch and Pillow do', async () => {
    const bytes = await photo(40, 30).jpeg().toBuffer()
    const small = (await jpeg(bytes, WHOLE))!
    const large = (await jpeg(bytes, { ...WHOLE, shorterSide: 60 }))!
    expect([large.width, large.height]).toEqual([80, 60])
    const at = (x: number, y: number, c: number): number =>
      small.data[(Math.min(29, Math.max(0, y)) * 40 + Math.min(39, Math.max(0, x))) * 3 + c] as number
    for (let y = 0; y < 60; y++) {
      for (let x = 0; x < 80; x++) {
        const [sx, sy] = [(x + 0.5) / 2 - 0.5, (y + 0.5) / 2 - 0.5]
        const [left, top] = [Math.floor(sx), Math.floor(sy)]
        const mix = (row: number): number => at(left, row, 1) + (at(left + 1, row, 1) - at(left, row, 1)) * (sx - left)
        const expected = mix(top) + (mix(top + 1) - mix(top)) * (sy - top)
        expect(Math.abs((large.data[(y * 80 + x) * 3 + 1] as number) - expected)).toBeLessThan(0.51)
      }
    }
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('the camera’s orientation %i: whole, made smaller, and cut to its middle', async (orientation) => {
    const bytes = await photo(70, 45).jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer()
    expect(await against(bytes, WHOLE)).toEqual({ mean: 0, worst: 0 })
    expect(await against(bytes, { ...WHOLE, orient: false })).toEqual({ mean: 0, worst: 0 })
    for (const rule of [{ ...WHOLE, shorterSide: 34, crop: 30 }, { ...WHOLE, shorterSide: 45, crop: 26 }]) {
      expect((await against(bytes, rule)).mean).toBeLessThan(0.5)
    }
  })

  test.each(['p3', 'srgb'])('an embedded profile, %s, is applied: a level or two from sharp’s', async (profile) => {
    const bytes = await photo(90, 60).jpeg({ quality: 95 }).withIccProfile(profile).toBuffer()
    const { mean, worst } = await against(bytes, WHOLE)
    expect(mean).toBeLessThan(0.1)
    expect(worst).toBeLessThanOrEqual(2)
    expect(await against(bytes, { ...WHOLE, profile: false })).toEqual({ mean: 0, worst: 0 })
  })

  test('what is odd or wrong is left to sharp, which tells the reason', async () => {
    const good = await photo(80, 60).jpeg().toBuffer()
    const odd: Record<string, Uint8Array> = {
      'cut short': good.subarray(0, good.length / 2),
      CMYK: await photo(80, 60).toColourspace('cmyk').jpeg().toBuffer(),
      'a PNG': await photo(80, 60).png().toBuffer(),
      'its first bytes alone': good.subarray(0, 3),
      nothing: new Uint8Array(0),
    }
    for (const [what, bytes] of Object.entries(odd)) {
      expect({ what, decoded: await jpeg(bytes, WHOLE) }).toEqual({ what, decoded: undefined })
    }
    await expect(decodeImage(odd['cut short']!, WHOLE)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE', message: expect.stringMatching(/cut short/) })
    expect(await jpeg(good, { ...WHOLE, shorterSide: 30, antialias: false })).toBeUndefined()
    expect(await jpeg(good, { ...WHOLE, crop: 61 })).toBeUndefined()
  })

  test('bytes changed at random are decoded whole or left to sharp, and lead nowhere else', async () => {
    const good = await photo(60, 44).jpeg({ quality: 70 }).withMetadata({ orientation: 6 }).withIccProfile('p3').toBuffer()
    const next = random(7)
    let decoded = 0
    for (let i = 0; i < 400; i++) {
      const bytes = Uint8Array.from(good)
      const from = i % 2 === 0 ? 0 : good.length - 900 // half of them in the scan
      for (let k = 0; k < 3; k++) bytes[from + Math.floor(next() * (i % 2 === 0 ? 900 : 898))] = Math.floor(next() * 256)
      const pixels = await jpeg(bytes, { ...WHOLE, shorterSide: 40, crop: 33 })
      if (!pixels) continue
      decoded++
      expect(pixels.data.length).toBe(33 * 33 * 3)
    }
    expect(decoded).toBeGreaterThan(20)
  })

  test('of many files at once each has its own pixels', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'torchgraft-jpeg-'))
    try {
      const files = await Promise.all(Array.from({ length: 40 }, async (_, i) => {
        const path = join(folder, `${i}.jpg`)
        const side = 8 + i * 9
        await writeFile(path, await sharp({ create: { width: side, height: side, channels: 3, background: { r: i * 6, g: 255 - i * 6, b: 90 } } }).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer())
        return path
      }))
      const images = await Promise.all([...files, ...files].map((path) => decodeImage(path, WHOLE)))
      for (const [k, { width, data }] of images.entries()) {
        const i = k % files.length
        expect(width).toBe(8 + i * 9)
        for (const at of [0, Math.floor(data.length / 6) * 3, data.length - 3]) {
          expect(Math.abs((data[at] as number) - i * 6) + Math.abs((data[at + 1] as number) - (255 - i * 6))).toBeLessThan(6)
        }
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
