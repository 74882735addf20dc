import sharp from 'sharp'
import { colourTables } from '../../../src/images/colour-profile.js'
import { decodeImage } from '../../../src/images/decode.js'
import { readJpegHeader } from '../../../src/images/jpeg/jpeg-header.js'

const image = () => sharp({ create: { width: 30, height: 20, channels: 3, background: 'red' } }).jpeg()

describe('a JPEG’s header', () => {
  test('tells its size, its orientation and its profile', async () => {
    expect(readJpegHeader(await image().toBuffer())).toEqual({ width: 30, height: 20, orientation: 1 })
    const header = readJpegHeader(await image().withMetadata({ orientation: 6 }).withIccProfile('p3').toBuffer())
    expect(header).toMatchObject({ width: 30, height: 20, orientation: 6 })
    expect(Buffer.from(header!.profile!).toString('latin1', 36, 40)).toBe('acsp')
  })

  test('is read to its end only: nothing for one that is cut within it, at any place', async () => {
    const bytes = await image().withMetadata({ orientation: 3 }).withIccProfile('srgb').toBuffer()
    const scan = bytes.indexOf(Buffer.from([0xff, 0xda]))
    for (let length = 0; length < scan; length++) expect(readJpegHeader(bytes.subarray(0, length))).toBeUndefined()
  })

  test('of grey tells its size; with a profile, which is none of three colours, nothing', async () => {
    const grey = await image().greyscale().toColourspace('b-w').toBuffer()
    expect(readJpegHeader(grey)).toEqual({ width: 30, height: 20, orientation: 1 })
    const coloured = await image().withIccProfile('p3').toBuffer()
    const marker = coloured.indexOf('ICC_PROFILE') - 4
    const segment = coloured.subarray(marker, marker + 2 + coloured.readUInt16BE(marker + 2))
    expect(readJpegHeader(Buffer.concat([grey.subarray(0, 2), segment, grey.subarray(2)]))).toBeUndefined()
  })

  test('of four inks, of a wrong orientation, of a second frame: nothing', async () => {
    expect(readJpegHeader(await image().toColourspace('cmyk').toBuffer())).toBeUndefined()
    const turned = await image().withMetadata({ orientation: 3 }).toBuffer()
    const entry = turned.indexOf(Buffer.from([0x12, 0x01, 3, 0])) // little-endian, as sharp writes it
    turned[entry + 8] = 9
    expect(readJpegHeader(turned)).toBeUndefined()
    const plain = await image().toBuffer()
    const frame = plain.indexOf(Buffer.from([0xff, 0xc0]))
    const segment = plain.subarray(frame, frame + 19)
    expect(readJpegHeader(Buffer.concat([plain.subarray(0, frame), segment, plain.subarray(frame)]))).toBeUndefined()
  })
})

describe('an orientation', () => {
  const block = (tiff: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from('Exif\0\0'), tiff])
    return Buffer.concat([Buffer.of(0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255), body])
  }
  const turned = (orientation: number): Buffer =>
    block(Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0]))
  const silent = block(Buffer.from([0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0]))
  test.each([
    ['1, then 6', [turned(1), turned(6)], 1], ['6, then 1', [turned(6), turned(1)], 6], ['6, then 3', [turned(6), turned(3)], 6],
    ['none, then 6', [silent, turned(6)], 1], ['6 after fill bytes', [Buffer.of(0xff, 0xff), turned(6)], 6], ['6, then one that is damaged', [turned(6), block(Buffer.of(1))], 6],
  ] as const)('is that of the first block of EXIF alone: %s', async (_, blocks, expected) => {
    const plain = await image().toBuffer()
    const file = Buffer.concat([plain.subarray(0, 2), ...blocks, plain.subarray(2)])
    expect(readJpegHeader(file)).toEqual({ width: 30, height: 20, orientation: expected })
    expect((await sharp(file).metadata()).orientation ?? 1).toBe(expected) // as libvips has it, which reads what this leaves to it
    const { width } = await decodeImage(file, { shorterSide: null, crop: null, antialias: true, pad: null, orient: true, profile: true })
    expect(width).toBe(expected >= 5 ? 20 : 30)
  })
})

describe('a progressive JPEG', () => {
  const scan = Buffer.of(0xff, 0xda)
  test('whose last scans are missing, which decoders guess at, each in its way: nothing', async () => {
    const whole = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'black', noise: { type: 'gaussian', mean: 128, sigma: 40 } } }).jpeg({ progressive: true }).toBuffer()
    expect(readJpegHeader(whole)).toMatchObject({ width: 64 })
    const scans: number[] = []
    for (let at = whole.indexOf(scan); at >= 0; at = whole.indexOf(scan, at + 2)) scans.push(at)
    expect(scans.length).toBeGreaterThan(5)
    for (const at of scans) {
      expect(readJpegHeader(Buffer.concat([whole.subarray(0, at), Buffer.of(0xff, 0xd9)]))).toBeUndefined()
    }
  })

  test('of thousands of scans, which would take minutes: nothing', async () => {
    const whole = await image().jpeg({ progressive: true }).toBuffer()
    const last = whole.subarray(whole.lastIndexOf(scan), -2)
    expect(readJpegHeader(Buffer.concat([whole.subarray(0, -2), ...new Array<Buffer>(3000).fill(last)]))).toBeUndefined()
  })
})

describe('a colour profile', () => {
  const profileOf = async (name: string): Promise<Uint8Array> => readJpegHeader(await image().withIccProfile(name).toBuffer())!.profile!
  const convert = (tables: NonNullable<ReturnType<typeof colourTables>>, rgb: readonly number[]): number[] =>
    [0, 1, 2].map((i) => {
      const light = rgb.reduce((sum, level, channel) => sum + (tables.light[(channel * 256 + level) * 4 + i] as number), 0)
      return tables.levels[Math.min(tables.levels.length - 1, Math.max(0, Math.round(light)))] as number
    })

  test('that is sRGB’s own changes no colour by more than a level', async () => {
    const tables = colourTables(await profileOf('srgb'))!
    for (const rgb of [[0, 0, 0], [255, 255, 255], [10, 200, 90], [255, 0, 128], [3, 2, 1]]) {
      for (const [i, level] of convert(tables, rgb).entries()) expect(Math.abs(level - rgb[i]!)).toBeLessThanOrEqual(1)
    }
  })

  test('of a wider space makes colours stronger, and leaves greys', async () => {
    const tables = colourTables(await profileOf('p3'))!
    expect(convert(tables, [200, 100, 100])).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)])
    const [red, green] = convert(tables, [200, 100, 100])
    expect(red).toBeGreaterThan(205)
    expect(green).toBeLessThan(100)
    for (const level of convert(tables, [128, 128, 128])) expect(Math.abs(level - 128)).toBeLessThanOrEqual(1)
  })

  test('that leads out of itself, or is none, is nothing', async () => {
    const profile = await profileOf('p3')
    for (let length = 0; length < profile.length - 40; length += 7) expect(colourTables(profile.slice(0, length))).toBeUndefined()
    expect(colourTables(new Uint8Array(500))).toBeUndefined()
  })
})
