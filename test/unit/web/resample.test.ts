import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import sharp, { type Sharp } from 'sharp'
import { decodeImage } from '../../../src/images/decode.js'
import type { Pixels } from '../../../src/images/pixels.js'
import type { ResizeRule } from '../../../src/images/resize-rule.js'
import { evalBatch } from '../../../src/loader/eval-batch.js'
import { draw } from '../../parity/formula.js'
import { atModelSize } from '../../../web/resample/fit.js'
import { resizeByRule } from '../../../web/resample/resample.js'
import { stored } from '../../../web/stored/stored.js'
import { turned } from '../../../web/resample/orientation.js'

const RULE: ResizeRule = { shorterSide: 73, crop: 64, antialias: true, pad: null, orient: true, profile: true }

/** Waves with noise: edges in every direction, in colours that change slowly, as they do in photos. */
function image(width: number, height: number): Sharp {
  const noise = draw(`${width}×${height}`, width * height)
  const data = Buffer.alloc(width * height * 3)
  const { sin, floor } = Math
  for (let i = 0; i < noise.length; i++) {
    const [x, y] = [i % width, floor(i / width)]
    const light = 128 + 60 * sin(x / 5 + y / 8) + (noise[i]! >>> 27)
    for (let channel = 0; channel < 3; channel++) data[i * 3 + channel] = light + 30 * sin((x + y) / 40 + channel)
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
}

/** As a browser decodes it: whole, and turned as the camera says. */
async function decoded(file: Buffer): Promise<Pixels> {
  const { data, info } = await sharp(file).autoOrient().removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  return { data: new Uint8Array(data), width: info.width, height: info.height }
}

interface Comparison { readonly size: readonly number[]; readonly worst: number; readonly mean: number }

async function compare(file: Buffer, rule: ResizeRule): Promise<Comparison> {
  const ours = await decodeImage(file, rule)
  const page = resizeByRule(await decoded(file), rule, await stored(Uint8Array.from(file), rule))
  const { abs, max } = Math
  const differences = Array.from(page.data, (value, i) => abs(value - ours.data[i]!))
  expect([page.width, page.height]).toEqual([ours.width, ours.height])
  const mean = differences.reduce((a, b) => a + b) / differences.length
  return { size: [page.width, page.height], worst: differences.reduce((a, b) => max(a, b)), mean }
}

describe('the page scales an image as torchgraft decodes it', () => {
  const exact = { worst: 0, mean: 0 }
  test.each([
    ['a little smaller', 76, 80], ['by a half', 150, 146], ['by a third', 219, 300], ['by nearly four', 289, 400], ['by five, through a box', 365, 400], ['by nine', 660, 700], ['a wide one', 300, 90], ['a tall one', 80, 400],
  ])('%s: the same bytes', async (_, width, height) => {
    expect(await compare(await image(width, height).png().toBuffer(), RULE)).toMatchObject(exact)
    expect(await compare(await image(width, height).png().toBuffer(), { ...RULE, crop: null })).toMatchObject(exact)
  })

  test('an image of the model’s own size is left as it is', async () => {
    expect(await compare(await image(73, 73).png().toBuffer(), { ...RULE, crop: 73 })).toMatchObject(exact)
    expect(await compare(await image(73, 73).png().toBuffer(), RULE)).toMatchObject(exact)
  })

  test.each([[40, 60], [72, 70], [30, 31], [48, 48], [32, 24], [13, 60], [65, 70]])('an enlarged one of %d × %d: the same bytes', async (width, height) => {
    for (const shorterSide of [73, 100, 146]) {
      const file = await image(width, height).png().toBuffer()
      for (const crop of [64, null]) expect(await compare(file, { ...RULE, shorterSide, crop })).toMatchObject(exact)
    }
  })

  test('one that is not to be enlarged is left as it is', async () => {
    const file = await image(40, 60).png().toBuffer()
    expect(await compare(file, { ...RULE, crop: null, enlarge: false })).toMatchObject({ size: [40, 60], ...exact })
  })

  test.each([[100, 120], [200, 210]])('a JPEG of %d × %d, which its decoder leaves whole: the same bytes', async (width, height) => {
    expect(await compare(await image(width, height).jpeg().toBuffer(), RULE)).toMatchObject(exact)
  })

  test.each([
    ['by two', 240, 250], ['by four', 401, 380], ['by eight', 700, 805],
  ])('a JPEG that its decoder makes smaller %s: within a few levels, on the mean a quarter', async (_, width, height) => {
    const { worst, mean } = await compare(await image(width, height).jpeg({ quality: 90 }).toBuffer(), RULE)
    expect(worst).toBeLessThanOrEqual(6)
    expect(mean).toBeLessThan(0.4)
  })

  test.each([2, 3, 4, 5, 6, 7, 8])('a JPEG from a camera that was turned (%d): as one that was not', async (orientation) => {
    const turned = (width: number, height: number): Promise<Buffer> =>
      image(width, height).jpeg({ quality: 90 }).withMetadata({ orientation }).toBuffer()
    expect(await compare(await turned(120, 101), RULE)).toMatchObject(exact)
    for (const crop of [64, null]) {
      const { worst, mean } = await compare(await turned(701, 402), { ...RULE, crop })
      expect(worst).toBeLessThanOrEqual(6)
      expect(mean).toBeLessThan(0.4)
    }
  })

  test('a WebP, which its decoder scales: within a level', async () => {
    expect((await compare(await image(333, 402).webp({ lossless: true }).toBuffer(), RULE)).worst).toBeLessThanOrEqual(1)
  })

  test('the images that parity is shown with', async () => {
    const folder = new URL('../../parity/fixtures/images/', import.meta.url)
    for (const name of (await readdir(folder)).filter((file) => !/cmyk|16/.test(file))) {
      expect([name, (await compare(await readFile(new URL(name, folder)), RULE)).worst <= 1]).toEqual([name, true])
    }
  })

  test('one too narrow for the crop is refused as it is there', () => {
    expect(() => resizeByRule({ data: new Uint8Array(12), width: 2, height: 2 }, { ...RULE, shorterSide: null })).toThrow('at 2×2 pixels it is smaller than the crop of 64')
  })
})

describe('the page fits images that are kept whole as a batch does', () => {
  test.each([['wide', 40, 25], ['tall', 21, 44], ['square', 30, 30]] as const)('%s, in a black square', async (_, width, height) => {
    const { data } = await image(width, height).raw().toBuffer({ resolveWithObject: true })
    const rule: ResizeRule = { shorterSide: null, crop: null, antialias: false, pad: 'square', orient: false, profile: false }
    const { images } = evalBatch([{ data, width, height }], { size: 24, mean: [0, 0, 0], std: [1, 1, 1], resize: rule })
    const [inHeight = 0, inWidth = 0] = images.shapes
    // The corners of the model's image lie where the batch's scaling puts them.
    const fitted = atModelSize({ data, width, height }, rule, 24)
    expect(fitted).toHaveLength(24 * 24 * 3)
    expect(fitted).toBeInstanceOf(Float32Array)
    const place = 12.5
    const [x, y] = [(place * inWidth) / 24 - 0.5, (place * inHeight) / 24 - 0.5]
    const at = (row: number, column: number): number => images.pixels[(row * inWidth + column) * 3]!
    const [left, top] = [Math.floor(x), Math.floor(y)]
    const blend = (a: number, b: number, part: number): number => a + (b - a) * part
    const [upper, lower] = [top, top + 1].map((row) => blend(at(row, left), at(row, left + 1), x - left)) as [number, number]
    const expected = blend(upper, lower, y - top)
    expect(fitted[(12 * 24 + 12) * 3]).toBeCloseTo(expected, 3)
  })

  test('one that was cropped to the size is taken as it is', () => {
    const data = new Uint8Array(12)
    expect(atModelSize({ data, width: 2, height: 2 }, RULE, 2)).toBe(data)
  })
})

test.each([1, 2, 3, 4, 5, 6, 7, 8])('what lies in a file as its camera was held (%d) is turned upright', async (orientation) => {
  const file = await image(13, 7).jpeg().withMetadata({ orientation }).toBuffer()
  const upright = turned({ data: new Uint8Array(await sharp(file).raw().toBuffer()), width: 13, height: 7 }, orientation)
  expect(upright).toEqual(await decoded(file))
})

test('the page’s folder has no file that is not the page’s', async () => {
  const names = await readdir(fileURLToPath(new URL('../../../web', import.meta.url)), { recursive: true })
  expect(names.filter((name) => !/\.(js|d\.ts|html|css)$/.test(name)).sort()).toEqual(['resample', 'stored', 'tsconfig.json'])
})
