import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import sharp from 'sharp'
import { decodeImage } from '../../../src/images/decode.js'
import type { ResizeRule } from '../../../src/images/resize-rule.js'
import { oneImage } from '../../helpers/loader.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

const AS_IT_IS: ResizeRule = { shorterSide: null, crop: null, antialias: true, pad: null, orient: true, profile: true }
const red = { r: 200, g: 30, b: 40 }
const image = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: red } })

describe('decodeImage', () => {
  test.each([
    ['a JPEG', () => image(6, 4).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer()],
    ['a PNG with alpha', () => image(6, 4).ensureAlpha(0.1).png().toBuffer()],
    ['a palette PNG', () => image(6, 4).png({ palette: true }).toBuffer()],
    ['a WebP', () => image(6, 4).webp({ lossless: true }).toBuffer()],
    ['a TIFF', () => image(6, 4).tiff().toBuffer()],
    ['a GIF', () => image(6, 4).gif().toBuffer()],
    ['a 16-bit PNG', () => image(6, 4).toColourspace('rgb16').png().toBuffer()],
  ])('%s comes out as 8-bit RGB, alpha dropped', async (_, make) => {
    const { data, width, height } = await decodeImage(await make(), AS_IT_IS)
    expect([width, height, data.length]).toEqual([6, 4, 72])
    for (const [i, value] of [200, 30, 40].entries()) expect(Math.abs((data[i] ?? 0) - value)).toBeLessThanOrEqual(2)
  })

  test('a grey image has three equal channels', async () => {
    const grey = await image(5, 5).greyscale().png().toBuffer()
    const { data } = await decodeImage(grey, AS_IT_IS)
    expect(data.length).toBe(75)
    expect(new Set(data).size).toBe(1)
  })

  test('CMYK is converted to RGB', async () => {
    const cmyk = await image(8, 8).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()
    expect((await sharp(cmyk).metadata()).channels).toBe(4)
    const { data } = await decodeImage(cmyk, AS_IT_IS)
    expect(data.length).toBe(192)
    expect(data[0]).toBeGreaterThan(data[1]! + 80)
  })

  test('the camera’s orientation is applied, or not, as the rule says; sizes are those after it', async () => {
    const left = await sharp({ create: { width: 10, height: 20, channels: 3, background: 'black' } }).composite([{ input: await image(10, 10).png().toBuffer(), top: 0, left: 0 }]).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer()
    const turned = await decodeImage(left, { ...AS_IT_IS, shorterSide: 5 })
    expect([turned.width, turned.height]).toEqual([10, 5])
    expect(turned.data[9 * 3]).toBeGreaterThan(150) // what was above is now on the right
    expect(turned.data[0]).toBeLessThan(50)
    const asStored = await decodeImage(left, { ...AS_IT_IS, orient: false })
    expect([asStored.width, asStored.height]).toEqual([10, 20])
  })

  test.each([
    // torchvision: Resize(s) makes the shorter side s, the longer int(s · long / short)
    [500, 375, { shorterSide: 256 }, 341, 256], [375, 500, { shorterSide: 256 }, 256, 341], [100, 77, { shorterSide: 50 }, 64, 50],
    [30, 20, { shorterSide: 40, enlarge: false }, 30, 20], [30, 20, { shorterSide: 40 }, 60, 40],
    [500, 375, { shorterSide: 256, crop: 224 }, 224, 224], [224, 224, { crop: 224 }, 224, 224],
  ])('%d×%d by %j gives %d×%d', async (width, height, rule, w, h) => {
    const pixels = await decodeImage(await image(width, height).png().toBuffer(), { ...AS_IT_IS, ...rule })
    expect([pixels.width, pixels.height]).toEqual([w, h])
  })

  test('the crop’s offset is rounded half to even, as Python does', async () => {
    const columns = new Uint8Array(9 * 4 * 3).map((_, i) => (Math.floor(i / 3) % 9) * 10)
    const png = await sharp(columns, { raw: { width: 9, height: 4, channels: 3 } }).png().toBuffer()
    const { data } = await decodeImage(png, { ...AS_IT_IS, crop: 4 }) // (9 − 4) / 2 = 2.5 → 2
    expect(data[0]).toBe(20)
  })

  test('making an image smaller averages, and does not skip', async () => {
    const stripes = new Uint8Array(64 * 64 * 3).map((_, i) => (Math.floor(i / 3) % 2) * 255)
    const png = await sharp(stripes, { raw: { width: 64, height: 64, channels: 3 } }).png().toBuffer()
    const { data } = await decodeImage(png, { ...AS_IT_IS, shorterSide: 16 })
    expect(Math.max(...data.map((value) => Math.abs(value - 127)))).toBeLessThan(12)
  })

  test('bad files are named with a reason that helps', async () => {
    await using folder = await temporaryFolder()
    const at = (name: string): string => join(folder.path, name)
    await writeFile(at('empty.jpg'), '')
    await writeFile(at('text.jpg'), 'this is not an image')
    await writeFile(at('photo.heic'), Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic')]))
    await mkdir(at('folder.jpg'))
    await writeFile(at('cut.jpg'), await sharp({ create: { width: 300, height: 300, channels: 3, background: 'black', noise: { type: 'gaussian', mean: 128, sigma: 50 } } }).jpeg().toBuffer())
    await truncate(at('cut.jpg'), 4000)
    const reasons: Record<string, string> = { 'empty.jpg': 'empty', 'text.jpg': 'not an image', 'photo.heic': 'cannot be read', 'folder.jpg': 'a folder', 'cut.jpg': 'cannot be read', 'none.jpg': 'no such file' }
    for (const [name, reason] of Object.entries(reasons)) {
      await expect(decodeImage(at(name), AS_IT_IS)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE', path: at(name), message: expect.stringContaining(reason) })
    }
  })

  test('a FIFO is refused, and never waited for', async () => {
    await using folder = await temporaryFolder()
    const fifo = join(folder.path, 'pipe.jpg')
    if (spawnSync('mkfifo', [fifo]).status !== 0) throw new Error('mkfifo is needed for this test')
    await expect(decodeImage(fifo, AS_IT_IS)).rejects.toMatchObject({ message: expect.stringContaining('not a file') })
  })

  test('a bomb of pixels is ERR_IMAGE_TOO_LARGE', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="20000"/>')
    await expect(decodeImage(svg, AS_IT_IS)).rejects.toMatchObject({ code: 'ERR_IMAGE_TOO_LARGE', message: expect.stringContaining('million pixels') })
  })

  test('bytes have no path to name', async () => {
    await expect(decodeImage(Buffer.from('no'), AS_IT_IS)).rejects.toMatchObject({ code: 'ERR_IMAGE_DECODE', message: expect.stringContaining('The image') })
    await expect(decodeImage(await oneImage(), { ...AS_IT_IS, crop: 9 })).rejects.toMatchObject({ message: expect.stringContaining('smaller than the crop') })
  })
})
