import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sharp } from 'sharp'
import { decodeBySharp } from '../../../src/images/decode-sharp.js'
import { decodeJpeg } from '../../../src/images/jpeg/decode-jpeg.js'
import { decodeImage } from '../../../src/images/decode.js'
import type { Pixels } from '../../../src/images/pixels.js'
import type { ResizeRule } from '../../../src/images/resize-rule.js'
import { decodeByWasm } from '../../../src/images/jpeg/jpeg-turbo-wasm.js'
import { random } from '../../../src/random/sfc32.js'
import { difference, photo } from '../../helpers/images/photo.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const WHOLE: ResizeRule = { shorterSide: null, crop: null, antialias: true, pad: null, orient: true, profile: true }
const jpeg = (bytes: Uint8Array, rule: ResizeRule): Promise<Pixels | undefined> => decodeJpeg(bytes, bytes.length, rule, null)

describe('JPEGs where there is no addon', () => {
  const kinds: Record<string, (image: Sharp) => Sharp> = {
    'at 4:2:0': (image) => image.jpeg({ quality: 85 }),
    'at 4:4:4': (image) => image.jpeg({ quality: 97, chromaSubsampling: '4:4:4' }),
    'in grey': (image) => image.greyscale().toColourspace('b-w').jpeg(),
    progressive: (image) => image.jpeg({ quality: 60, progressive: true }),
  }
  test.each(Object.entries(kinds))('decoded by WebAssembly have the very bytes of sharp’s, %s', async (_, encode) => {
    for (const [width, height] of [[64, 48], [37, 101], [1, 1], [17, 2]] as const) {
      const bytes = await encode(photo(width, height)).toBuffer()
      const data = await decodeByWasm(bytes, { width, height })
      expect(difference({ data: data!, width, height }, await decodeBySharp(bytes, WHOLE))).toEqual({ mean: 0, worst: 0 })
    }
  })

  // Both scale in the DCT by the same power of two; the averaging after it is rounded otherwise.
  test.each([200, 100, 48, 20])('are made smaller, to %i of 240 pixels: half a level from sharp’s in the mean', async (shorterSide) => {
    const bytes = await photo(320, 240).jpeg({ quality: 90 }).toBuffer()
    for (const rule of [{ ...WHOLE, shorterSide }, { ...WHOLE, shorterSide, crop: Math.round(shorterSide * 0.87) }]) {
      expect(difference((await jpeg(bytes, rule))!, await decodeBySharp(bytes, rule)).mean).toBeLessThan(0.5)
    }
  })

  test('that keep their size are left to sharp, which has the same bytes and does it on a thread', async () => {
    expect(await jpeg(await photo(40, 30).jpeg().toBuffer(), WHOLE)).toBeUndefined()
    expect(await jpeg(await photo(40, 30).jpeg().withIccProfile('p3').toBuffer(), WHOLE)).toBeDefined()
  })

  test('that are cut short, or no images at all, are left to sharp, and the next one is read', async () => {
    const good = await photo(80, 60).jpeg({ progressive: true }).toBuffer()
    const bad: Record<string, Uint8Array> = {
      'cut short': good.subarray(0, good.length / 2),
      'its markers alone': good.subarray(0, good.indexOf(Buffer.of(0xff, 0xda)) + 20),
      text: Buffer.from('no image'),
      nothing: new Uint8Array(0),
    }
    for (const [what, bytes] of Object.entries(bad)) {
      expect({ what, data: await decodeByWasm(bytes, { width: 40, height: 30 }) }).toEqual({ what, data: undefined })
      expect(await decodeByWasm(good, { width: 40, height: 30 })).toHaveLength(40 * 30 * 3)
    }
    expect(await decodeByWasm(good, { width: 41, height: 30 })).toBeUndefined() // no scale of it
  })

  test('whose bytes were changed at random are decoded whole or left to sharp', async () => {
    const good = await photo(60, 44).jpeg({ quality: 70 }).withMetadata({ orientation: 6 }).toBuffer()
    const next = random(7)
    let decoded = 0
    for (let i = 0; i < 200; i++) {
      const bytes = Uint8Array.from(good)
      for (let k = 0; k < 3; k++) bytes[Math.floor(next() * good.length)] = Math.floor(next() * 256)
      const pixels = await jpeg(bytes, { ...WHOLE, shorterSide: 40, crop: 33 })
      if (pixels) decoded++
      expect(pixels?.data.length ?? 33 * 33 * 3).toBe(33 * 33 * 3)
    }
    expect(decoded).toBeGreaterThan(20)
  })

  test('of many at once each has its own pixels', async () => {
    const files = await Promise.all(Array.from({ length: 12 }, (_, i) => photo(60 + i * 7, 90).jpeg().toBuffer()))
    const alone: (Pixels | undefined)[] = []
    for (const file of files) alone.push(await jpeg(file, { ...WHOLE, shorterSide: 40 }))
    expect(await Promise.all(files.map((file) => jpeg(file, { ...WHOLE, shorterSide: 40 })))).toEqual(alone)
  })
})

test('a JPEG has the same pixels under every name, and as bytes', async () => {
  await using folder = await temporaryFolder()
  const bytes = await photo(200, 150).jpeg().toBuffer()
  const rule = { ...WHOLE, shorterSide: 40 }
  const expected = await decodeImage(bytes, rule)
  for (const name of ['a.jpg', 'a.JPEG', 'a.jfif', 'a.png', 'without an ending', 'a.webp']) {
    const path = join(folder.path, name)
    await writeFile(path, bytes)
    expect({ name, ...(await decodeImage(path, rule)) }).toEqual({ name, ...expected })
  }
})
