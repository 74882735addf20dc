import { deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { readOrientation } from '../../../web/stored/exif.js'
import { NOTES } from '../../../web/notes.js'
import { formatOf, isHeic, isTiff } from '../../../web/stored/first-bytes.js'
import { useOf } from '../../../web/stored/profile.js'
import { stored } from '../../../web/stored/stored.js'
import { exif, pngChunk, pngChunks, uint32s, withChunks } from '../../helpers/images/png-chunks.js'

const FORMATS = ['jpeg', 'png', 'webp', 'gif', 'avif'] as const
const RULE = { profile: true }
const SIZE = { width: 12, height: 8 }
function image(channels: 3 | 4 = 3): Sharp {
  const pixels = Uint8Array.from({ length: SIZE.width * SIZE.height * channels }, (_, i) => (i * 7) % 256)
  return sharp(pixels, { raw: { ...SIZE, channels } })
}
const read = async (file: Uint8Array, rule = RULE) => {
  const { parts, ...rest } = await stored(Uint8Array.from(file), rule)
  return { ...rest, file: Buffer.concat(parts) }
}
const raw = (file: Buffer): Promise<Buffer> => sharp(file, { ignoreIcc: true }).removeAlpha().raw().toBuffer()
function segment(marker: number, data: Uint8Array): Buffer {
  const length = data.length + 2
  return Buffer.concat([Buffer.of(0xff, marker, length >> 8, length & 255), data])
}
const afterStart = (jpeg: Buffer, ...more: readonly Uint8Array[]): Buffer => Buffer.concat([jpeg.subarray(0, 2), ...more, jpeg.subarray(2)])
/** A profile's header and an empty list of tags: as much as is looked at. */
function profile(space: string, { tags = [] as readonly string[], more = 0 } = {}): Buffer {
  const bytes = Buffer.alloc(132 + tags.length * 12 + more)
  bytes.writeUInt32BE(132 + tags.length * 12, 0)
  bytes.write(space, 16, 'latin1')
  bytes.write('acsp', 36, 'latin1')
  bytes.writeUInt32BE(tags.length, 128)
  for (const [i, tag] of tags.entries()) bytes.write(tag, 132 + i * 12, 'latin1')
  return bytes
}
const icc = (content: Buffer): Buffer => pngChunk('iCCP', Buffer.concat([Buffer.from('name\0\0'), deflateSync(content)]))

describe('what a browser acts on and torchgraft does not is left out', () => {
  test.each([
    ['a gamma', [pngChunk('gAMA', uint32s(100_000))], []],
    ['other colours than sRGB’s', [pngChunk('cHRM', Buffer.alloc(32)), pngChunk('cICP', Buffer.of(9, 16, 0, 1))], []],
    ['colours to be seen through', [pngChunk('tRNS', Buffer.alloc(6))], []],
    ['brightness of a screen', [pngChunk('mDCV', Buffer.alloc(24)), pngChunk('cLLI', Buffer.alloc(8))], []],
    ['an animation', [pngChunk('acTL', uint32s(1, 0))], [pngChunk('fcTL', Buffer.alloc(26)), pngChunk('fdAT', Buffer.alloc(20))]],
    ['an orientation', [pngChunk('eXIf', exif(6))], []],
    ['a profile of another kind of colours', [icc(profile('GRAY'))], []],
    ['a profile that is damaged', [pngChunk('iCCP', Buffer.from('name\0\0rest'))], []],
  ])('of a PNG: %s', async (_, first, last) => {
    const plain = await image().png().toBuffer()
    const { file, profile: applied } = await read(withChunks(plain, { first, last }))
    expect(pngChunks(file).map(({ type }) => type)).toEqual(['IHDR', 'IDAT', 'IEND'])
    expect(applied).toBe(false)
    expect((await raw(file)).equals(await raw(plain))).toBe(true)
  })

  test('a PNG’s palette stays, and a profile that is applied', async () => {
    const palette = await image().png({ palette: true }).toBuffer()
    const first = [icc(profile('RGB ')), pngChunk('gAMA', uint32s(1)), pngChunk('cICP', Buffer.of(12, 13, 0, 1))]
    const { file, ...rest } = await read(withChunks(palette, { first }))
    expect(rest).toEqual({ profile: true, format: 'other', orientation: 1 })
    expect(pngChunks(file).map(({ type }) => type)).toEqual(['IHDR', 'iCCP', 'PLTE', 'IDAT', 'IEND'])
    expect(await read(file, { profile: false })).toMatchObject({ profile: false })
  })

  test('a PNG without an end gets one, and one that is cut short does not', async () => {
    const { file: whole } = await read(await image().png().toBuffer())
    expect((await read(whole.subarray(0, -12))).file.equals(whole)).toBe(true)
    expect((await read(whole.subarray(0, -30))).file.equals(whole.subarray(0, -30))).toBe(true)
  })

  test.each(['lossless', 'lossy'])('of a WebP, %s: EXIF, XMP and what is transparent beside the colours', async (kind) => {
    const plain = await image(4).webp({ lossless: kind === 'lossless', exact: true }).withMetadata({ orientation: 6 }).toBuffer()
    const { file, ...rest } = await read(plain)
    expect(rest).toEqual({ format: 'other', orientation: 6, profile: true }) // sharp writes sRGB's profile with it
    expect(file.readUInt32LE(4)).toBe(file.length - 8)
    expect(await sharp(file).metadata()).not.toHaveProperty('orientation')
    expect((await sharp(file).metadata()).hasAlpha).toBe(kind === 'lossless')
    expect((await raw(file)).equals(await raw(plain))).toBe(true)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('of a JPEG: its orientation (%d), which is told', async (orientation) => {
    const { file, ...rest } = await read(await image().jpeg().withMetadata({ orientation }).toBuffer())
    expect(rest).toEqual({ format: 'jpeg', orientation, profile: true })
    expect((await sharp(file).metadata()).orientation).toBeUndefined()
  })

  test('of a JPEG: a brighter rendition, and a profile of another kind of colours', async () => {
    const plain = await image().jpeg().toBuffer()
    const extra = [
      segment(0xe1, Buffer.from('http://ns.adobe.com/xap/1.0/\0hdrgm')),
      segment(0xe2, Buffer.from('MPF\0')),
      segment(0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0\x01\x01'), profile('CMYK')])),
    ]
    expect((await read(afterStart(plain, ...extra))).file.equals(plain)).toBe(true)
  })

  test('of an AVIF: its transparency', async () => {
    const { file, ...rest } = await read(await image(4).avif({ lossless: true, effort: 0 }).toBuffer())
    expect(rest).toEqual({ format: 'other', orientation: 1, profile: false })
    expect((await sharp(file).metadata()).hasAlpha).toBe(false)
    expect(await read(await image().withIccProfile('p3').avif({ effort: 0 }).toBuffer())).toMatchObject({ profile: true })
    // An animation that is named first: its still image is.
    const [still, animated] = [await image().avif({ effort: 0 }).toBuffer(), await image().avif({ effort: 0 }).toBuffer()]
    animated.write('avis', 8, 'latin1')
    expect((await read(animated)).file.equals(still)).toBe(true)
  })

  test('of a GIF: that a colour is transparent, which is told, as what lies where no frame is', async () => {
    const background = { r: 10, g: 200, b: 30, alpha: 1 }
    const hole = { create: { width: 4, height: 4, channels: 4 as const, background: { ...background, alpha: 0 } } }
    const solid = sharp({ create: { ...SIZE, channels: 4, background } })
    const clear = await solid.composite([{ input: hole, left: 0, top: 0, blend: 'source' }]).gif().toBuffer()
    const { file, behind } = await read(clear)
    expect([(await sharp(clear).metadata()).hasAlpha, (await sharp(file).metadata()).hasAlpha]).toEqual([true, false])
    expect([...(await raw(file)).subarray(0, 3)]).toEqual(behind)
    expect((await read(await image().gif().toBuffer())).behind).toHaveLength(3)
  })
})

describe('how a camera was held', () => {
  test.each([[1], [3], [4], [6], [8], [9]])('is told by a number of TIFF’s type %d', (type) => {
    for (const little of [true, false]) expect(readOrientation(exif(6, { type, little })).orientation).toBe(6)
  })

  test.each([
    ['a fraction', exif(6, { type: 5 })], ['no such orientation', exif(9)], ['none', exif(0)], ['nothing', Buffer.alloc(0)],
    ['no TIFF', Buffer.from('Exif\0\0II*\0\x08\0\0\0')], ['a directory beyond the end', exif(6).subarray(0, 9)],
  ])('%s is upright', (_, tiff) => {
    expect(readOrientation(tiff).orientation).toBe(1)
  })

  test('is told by the first block of a JPEG alone, and by a PNG’s before its pixels', async () => {
    const jpeg = await image().jpeg().toBuffer()
    const block = (orientation: number): Buffer => segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), exif(orientation)]))
    expect(await read(afterStart(jpeg, block(1), block(6)))).toMatchObject({ orientation: 1 })
    expect(await read(afterStart(jpeg, block(6), block(1)))).toMatchObject({ orientation: 6 })
    // After what libjpeg passes over.
    expect(await read(afterStart(jpeg, Buffer.of(0, 0, 0xff, 0xff), block(6)))).toMatchObject({ orientation: 6 })
    const png = await image().png().toBuffer()
    expect(await read(withChunks(png, { first: [pngChunk('eXIf', exif(5)), pngChunk('eXIf', exif(2))] }))).toMatchObject({ orientation: 5 })
    expect(await read(withChunks(png, { last: [pngChunk('eXIf', exif(5))] }))).toMatchObject({ orientation: 1 })
  })
})

describe('colour profiles', () => {
  test.each([
    ['RGB ', false, { profile: true }], ['GRAY', false, { profile: false }], ['CMYK', false, { profile: false }],
    ['Lab ', false, { profile: false, note: NOTES.profile }], ['XYZ ', false, { profile: false, note: NOTES.profile }],
    ['RGB ', true, { profile: false }], ['GRAY', true, { profile: true }], ['Lab ', true, { profile: false }],
  ])('of %p in an image that is grey: %p', (space, grey, use) => {
    expect(useOf(profile(space), { grey })).toEqual(use)
  })

  test('of a scanner, with a table, and cut short are told of', () => {
    expect(useOf(profile('RGB ', { tags: ['wtpt', 'A2B0'] }), { grey: false })).toEqual({ profile: true, note: NOTES.profile })
    expect(useOf(profile('RGB ', { tags: ['wtpt'] }).subarray(0, -1), { grey: false })).toEqual({ profile: false, note: NOTES.profile })
    expect(useOf(profile('RGB ', { more: 9 }), { grey: false })).toEqual({ profile: true })
    for (const none of [undefined, Buffer.alloc(10), Buffer.alloc(500)]) expect(useOf(none, { grey: false })).toEqual({ profile: false })
  })

  test('in parts are put into the order of their numbers', async () => {
    const [whole, jpeg] = [profile('RGB ', { more: 60 }), await image().jpeg().toBuffer()]
    const name = Buffer.from('ICC_PROFILE\0')
    const part = (i: number, all: number, content: Buffer): Buffer => segment(0xe2, Buffer.concat([name, Buffer.of(i, all), content]))
    const [first, second] = [whole.subarray(0, 150), whole.subarray(150)]
    const expected = Buffer.concat([part(1, 2, first), part(2, 2, second)])
    const swapped = [part(2, 2, second), part(1, 2, first)]
    const [few, twice] = [[part(1, 3, first), part(2, 3, second)], [part(1, 2, second), part(1, 2, first), part(2, 2, second)]]
    for (const parts of [swapped, few, twice]) {
      const { file, profile: applied } = await read(afterStart(jpeg, ...parts))
      expect([applied, file.includes(expected)]).toEqual([true, true])
    }
    expect(await read(afterStart(jpeg, part(0, 0, whole)))).toMatchObject({ profile: false })
  })
})

test('what a browser sees otherwise is told of', async () => {
  expect(await read(await image().toColourspace('cmyk').jpeg().toBuffer())).toMatchObject({ note: NOTES.cmyk })
  expect(await read(Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)]))).toMatchObject({ format: 'other', note: NOTES.format })
  for (const format of FORMATS) expect(await read(await image().toFormat(format).toBuffer())).not.toHaveProperty('note')
})

test('16-bit grey becomes two bytes a pixel where Pillow’s pixels are asked for, which clips it', async () => {
  const levels = Uint16Array.from({ length: SIZE.width * SIZE.height }, (_, i) => i * 600)
  const grey = await sharp(levels, { raw: { ...SIZE, channels: 1 } }).toColourspace('grey16').png().toBuffer()
  expect(pngChunks(grey)[0]?.data[8]).toBe(16)
  const { file, halves } = await read(withChunks(grey, { first: [pngChunk('tRNS', Buffer.of(0, 9))] }), { profile: false })
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true })
  expect(halves).toBe(true)
  expect(Array.from(levels, (_, i) => data[i * info.channels]! * 256 + data[(i + 1) * info.channels - 1]!)).toEqual([...levels])
  expect(await read(grey)).not.toHaveProperty('halves')
})

test('a file’s first bytes tell its format', async () => {
  for (const format of FORMATS) expect(formatOf(new Uint8Array(await image().toFormat(format).toBuffer()))).toBe(format)
  const head = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
  const heic = head('\0\0\0\x18ftypheic\0\0\0\0mif1heic')
  expect([formatOf(heic), isHeic(heic)]).toEqual(['other', true])
  for (const brands of ['mif1\0\0\0\0mif1avifmiaf', 'avis\0\0\0\0avis']) expect(formatOf(head(`\0\0\0\x1cftyp${brands}`))).toBe('avif')
  expect(['II*\0', 'MM\0*', 'II+\0', 'BM12', 'II'].map((text) => isTiff(head(text)))).toEqual([true, true, true, false, false])
})

test('files that are damaged are told of by their decoder: nothing is thrown before', async () => {
  const channels = (format: string): 3 | 4 => (format === 'jpeg' ? 3 : 4)
  const turned = (format: (typeof FORMATS)[number]): Sharp => image(channels(format)).toFormat(format).withMetadata({ orientation: 6 })
  const files = await Promise.all(FORMATS.map((format) => turned(format).toBuffer()))
  for (const file of files) {
    for (let i = 0; i < 300; i++) {
      const broken = Uint8Array.from(file.subarray(0, i % 3 === 0 ? i : file.length))
      const reach = Math.max(1, Math.min(broken.length, 400))
      for (let k = 0; k < 4; k++) broken[(i * 31 + k * 97) % reach] = (i * 89 + k * 151) % 256
      expect(await stored(broken, RULE)).toMatchObject({ parts: expect.any(Array) })
    }
  }
})
