import sharp from 'sharp'
import { decodeImage } from '../../../src/images/decode.js'
import type { ResizeRule } from '../../../src/images/resize-rule.js'
import { scaled } from '../../../web/resample/triangle.js'
import { deepGreyPng, handMadeGif, type GifOptions, handMadeTiff } from '../../helpers/files/hand-made.js'
import type { Colour } from '../../helpers/images/odd-images.js'

/** The default recipe's way, and the notebook's, which is Pillow's `Image.open(file).convert('RGB')`. */
const DEFAULT: ResizeRule = { shorterSide: null, crop: null, antialias: true, pad: null, orient: true, profile: true }
const NOTEBOOK: ResizeRule = { shorterSide: null, crop: null, antialias: false, pad: 'square', orient: false, profile: false }

/** Rows of one number a pixel, where an image's three are the same. */
const levels = async (file: Uint8Array, rule: ResizeRule): Promise<number[][]> => {
  const { data, width, height } = await decodeImage(file, rule)
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => {
    const [red, ...others] = data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)
    expect(others).toEqual([red, red])
    return red!
  }))
}

describe('the first frame of a GIF', () => {
  const A: Colour = [200, 30, 60]
  const B: Colour = [10, 220, 90]
  const C: Colour = [0, 0, 255]
  const D: Colour = [250, 250, 40]
  const palette = [A, B, C, D]
  const own: readonly Colour[] = [D, C, B, [7, 8, 9]]
  const frame = [[1, 2], [3, 1]]
  const around = (colour: Colour, [a, b, c, d]: readonly Colour[]): readonly (readonly Colour[])[] => [
    [colour, colour, colour, colour], [colour, a!, b!, colour], [colour, c!, d!, colour],
  ]
  const place = { canvas: [4, 3], left: 1, top: 1 } as const
  test.each<[string, GifOptions, readonly (readonly Colour[])[]]>([
    ['that covers all', {}, [[B, C], [D, B]]],
    ['with a transparent colour: has that colour', { transparent: 1 }, [[B, C], [D, B]]],
    ['with a palette of its own, transparent: has its colour of that', { transparent: 1, ownPalette: own }, [[C, B], [[7, 8, 9], C]]],
    ['that covers a part: the rest has the palette’s first colour, not the background’s', { ...place, background: 2 }, around(A, [B, C, D, B])],
    ['that covers a part, with a palette of its own: the rest has its first', { ...place, ownPalette: own }, around(D, [C, B, [7, 8, 9], C])],
    ['that covers a part and is transparent: the rest has the transparent colour', { ...place, transparent: 3 }, around(D, [B, C, D, B])],
    ['after a long comment', { ...place, transparent: 3, comment: 100_000 }, around(D, [B, C, D, B])],
    ['whose transparent number is none of the palette’s: the rest is black', { ...place, transparent: 200 }, around([0, 0, 0], [B, C, D, B])],
  ])('%s', async (_, options, expected) => {
    const file = handMadeGif(palette, frame, options)
    for (const rule of [DEFAULT, NOTEBOOK]) {
      const { data, width, height } = await decodeImage(file, rule)
      expect([height, width]).toEqual([expected.length, expected[0]!.length])
      expect([...data]).toEqual(expected.flat(2))
    }
  })

  test('is scaled with those colours', async () => {
    const file = handMadeGif(palette, new Array<number[]>(16).fill(new Array<number>(16).fill(1)), { transparent: 1 })
    const { data } = await decodeImage(file, { ...DEFAULT, shorterSide: 4, crop: 3 })
    expect([...data]).toEqual(new Array<Colour>(9).fill(B).flat())
  })

  test('is refused where it is cut short, wherever that is', async () => {
    const file = handMadeGif(palette, frame, { ...place, transparent: 1 })
    for (let length = 6; length < file.length - 3; length++) await expect(decodeImage(file.subarray(0, length), DEFAULT)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE' })
  })
})

describe('a TIFF that its camera turned', () => {
  const stored = [[10, 20, 30], [40, 50, 60]]
  const seen: Readonly<Record<number, readonly (readonly number[])[]>> = {
    1: [[10, 20, 30], [40, 50, 60]], 2: [[30, 20, 10], [60, 50, 40]], 3: [[60, 50, 40], [30, 20, 10]], 4: [[40, 50, 60], [10, 20, 30]],
    5: [[10, 40], [20, 50], [30, 60]], 6: [[40, 10], [50, 20], [60, 30]],
    7: [[60, 30], [50, 20], [40, 10]], 8: [[30, 60], [20, 50], [10, 40]],
    0: [[10, 20, 30], [40, 50, 60]], 9: [[10, 20, 30], [40, 50, 60]],
  }
  test.each(Object.entries(seen))('(%s) is upright, also for the notebook: Pillow turns it as it loads it', async (orientation, expected) => {
    const grey = handMadeTiff(stored, { photometric: 1, bits: 8, orientation: Number(orientation) })
    const rgb = stored.map((row) => row.flatMap((level) => [level, level, level]))
    const colours = handMadeTiff(rgb, { photometric: 2, bits: 8, orientation: Number(orientation) })
    const deep = handMadeTiff(stored, { photometric: 1, bits: 16, orientation: Number(orientation) })
    for (const rule of [DEFAULT, NOTEBOOK]) for (const file of [grey, colours]) expect(await levels(file, rule)).toEqual(expected)
    expect(await levels(deep, NOTEBOOK)).toEqual(expected)
  })
})

describe('16 bits', () => {
  const grey = [[0, 100, 255], [256, 300, 65_535]]
  test('of grey in a PNG are clipped for the notebook, also where one level is transparent', async () => {
    const clipped = [[0, 100, 255], [255, 255, 255]]
    expect(await levels(deepGreyPng(grey), NOTEBOOK)).toEqual(clipped)
    expect(await levels(deepGreyPng(grey, { key: 300 }), NOTEBOOK)).toEqual(clipped)
    expect(await levels(deepGreyPng(grey, { key: 300 }), DEFAULT)).toEqual([[0, 0, 0], [1, 1, 255]])
  })

  test('of grey with an alpha are scaled, as Pillow takes those', async () => {
    const both = grey.map((row) => row.flatMap((level) => [level, 9]))
    for (const rule of [DEFAULT, NOTEBOOK]) expect(await levels(deepGreyPng(both, { alpha: true }), rule)).toEqual([[0, 0, 0], [1, 1, 255]])
  })

  test('of CMYK are those of its upper eight', async () => {
    const inks = [[10, 200, 30, 40, 255, 0, 7, 90]]
    const low = handMadeTiff(inks, { photometric: 5, bits: 8 })
    const deep = handMadeTiff(inks.map((row) => row.map((ink) => ink * 256 + 17)), { photometric: 5, bits: 16 })
    expect(await decodeImage(deep, NOTEBOOK)).toEqual(await decodeImage(low, NOTEBOOK))
  })

  test('of colours with sRGB’s own profile stay what they are', async () => {
    const colours = Uint8Array.of(200, 30, 60, 10, 220, 90, 255, 0, 0)
    const deep = await sharp(colours, { raw: { width: 3, height: 1, channels: 3 } }).toColourspace('rgb16').png().withIccProfile('srgb').toBuffer()
    expect(await sharp(deep).metadata()).toMatchObject({ space: 'rgb16', hasProfile: true })
    const { data } = await decodeImage(deep, DEFAULT)
    for (const [i, level] of colours.entries()) expect(Math.abs(data[i]! - level)).toBeLessThanOrEqual(2)
  })
})

describe('before an image is scaled', () => {
  const noise = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7919 + (i >> 3) * 104_729) % 256)

  test.each([['colours', 3, 'rgb16'], ['grey', 1, 'grey16']] as const)('of 16 bits of %s 8 are kept', async (_, channels, space) => {
    const shallow = sharp(noise(40 * 30 * channels), { raw: { width: 40, height: 30, channels } })
    const deep = await shallow.clone().toColourspace(space).png().toBuffer()
    expect(await sharp(deep).metadata()).toMatchObject({ depth: 'ushort' })
    const rule: ResizeRule = { ...DEFAULT, shorterSide: 12 }
    expect((await decodeImage(deep, rule)).data).toEqual((await decodeImage(await shallow.png().toBuffer(), rule)).data)
  })

  test('a JPEG of a rare kind is enlarged as the common ones are', async () => {
    const rare = await sharp(noise(24 * 16 * 3), { raw: { width: 24, height: 16, channels: 3 } }).toColourspace('cmyk').jpeg().toBuffer()
    const whole = await decodeImage(rare, DEFAULT)
    const larger = await decodeImage(rare, { ...DEFAULT, shorterSide: 40, crop: 32 })
    expect(larger).toEqual(scaled(whole, { width: 60, height: 40 }, { left: 14, top: 4, width: 32, height: 32 }))
  })
})

describe('an animated AVIF', () => {
  const still = (): Promise<Buffer> => {
    const image = sharp({ create: { width: 16, height: 12, channels: 3, background: { r: 200, g: 40, b: 90 } } })
    return image.avif({ lossless: true, effort: 0 }).toBuffer()
  }
  test('has its first image, as one that is not animated', async () => {
    const file = await still()
    const expected = await decodeImage(file, DEFAULT)
    file.write('avis', 8, 'latin1') // what such a file calls itself first
    expect(await decodeImage(file, DEFAULT)).toEqual(expected)
  })

  test('of frames alone is told of as such', async () => {
    const file = await still()
    file.write('avis', 8, 'latin1')
    file.write('free', file.indexOf('meta'), 'latin1')
    await expect(decodeImage(file, DEFAULT)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE', message: expect.stringContaining('it is an animated AVIF without a still image: save') })
  })
})
