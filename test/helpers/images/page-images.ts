import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { ROOT } from '../processes/child.js'
import { exif, pngChunk, pngChunks, uint32s, withChunks } from './png-chunks.js'

/** Between a page and the command line, of a probability. */
const TOLERANCE = 5e-5
/** Of what is decoded or coloured with roundings of its own: JPEGs and WebPs made smaller, AVIF, and what has a colour profile. */
const ROUNDED = 1e-2

const sample = join(ROOT, 'samples/campus/chapel/01.jpg')
const scaled = (width: number): Sharp => sharp(sample).resize({ width })
const atSize = (file: string): Sharp => sharp(file).resize({ width: 300, height: 200, fit: 'fill' })
/** Of another image: an animation's second frame. */
const other = (): Promise<Buffer> => atSize(join(ROOT, 'samples/campus/boathouse/03.jpg')).removeAlpha().png().toBuffer()

/** Images that a page shows without a word, with how far it may be off. */
export async function imagesAlike(folder: string): Promise<ReadonlyMap<string, number>> {
  await mkdir(folder, { recursive: true })
  const plain = await atSize(sample).png().toBuffer()
  const clear = await sharp(plain).ensureAlpha(0).png().toBuffer()
  const chunks = (png: Buffer, ...first: readonly Buffer[]): Buffer => withChunks(png, { first })
  const profile = (png: Buffer): Sharp => sharp(png).withIccProfile('p3')
  const frame = [
    pngChunk('fcTL', Buffer.concat([uint32s(0, 300, 200, 0, 0), Buffer.of(0, 1, 0, 10, 0, 0)])),
    pngChunk('fdAT', Buffer.concat([uint32s(1), pixelsOf(await other())])),
  ]
  const p3 = uint32s(31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6000)
  const primaries = [pngChunk('gAMA', uint32s(45_455)), pngChunk('cHRM', p3)]
  const heldAs = (orientation: string): { readonly IFD0: { readonly Orientation: string } } => ({ IFD0: { Orientation: orientation } })
  const files: Readonly<Record<string, readonly [number, Buffer]>> = {
    'transparent.png': [TOLERANCE, await sharp(sample).ensureAlpha(0.4).png().toBuffer()],
    'turned.jpg': [ROUNDED, await scaled(700).jpeg().withMetadata({ orientation: 6 }).toBuffer()],
    'small.png': [TOLERANCE, await scaled(50).png().toBuffer()],
    'large.webp': [ROUNDED, await scaled(900).webp({ lossless: true }).toBuffer()],
    'large.jpg': [ROUNDED, await scaled(2000).jpeg({ quality: 90 }).toBuffer()],
    'turned.webp': [ROUNDED, await scaled(300).webp({ lossless: true }).withExif(heldAs('6')).toBuffer()],
    'turned-clear.webp': [TOLERANCE, await sharp(clear).webp({ lossless: true, exact: true }).withExif(heldAs('5')).toBuffer()],
    'turned.png': [TOLERANCE, chunks(plain, pngChunk('eXIf', exif(8)))],
    'turned-by-a-long.png': [TOLERANCE, chunks(plain, pngChunk('eXIf', exif(3, { type: 4, little: false })))],
    'turned-clear.png': [TOLERANCE, chunks(clear, pngChunk('eXIf', exif(6)))],
    'gamma.png': [TOLERANCE, chunks(plain, pngChunk('gAMA', uint32s(100_000)))],
    'primaries.png': [TOLERANCE, chunks(plain, ...primaries)],
    'pq.png': [TOLERANCE, chunks(plain, pngChunk('cICP', Buffer.of(9, 16, 0, 1)))],
    'pq-and-profile.png': [ROUNDED, chunks(await profile(plain).png().toBuffer(), pngChunk('cICP', Buffer.of(9, 16, 0, 1)))],
    'animated.png': [TOLERANCE, withChunks(plain, { first: [pngChunk('acTL', uint32s(1, 0))], last: frame })],
    'animated.gif': [TOLERANCE, await sharp([plain, await other()], { join: { animated: true } }).gif().toBuffer()],
    'animated.webp': [ROUNDED, await sharp([plain, await other()], { join: { animated: true } }).webp({ lossless: true }).toBuffer()],
    'no-end.png': [TOLERANCE, plain.subarray(0, -12)],
    'grey.png': [TOLERANCE, await sharp(plain).toColourspace('b-w').png().toBuffer()],
    'profile.jpg': [ROUNDED, await profile(plain).jpeg({ quality: 95 }).toBuffer()],
    'profile.webp': [ROUNDED, await profile(plain).webp({ lossless: true }).toBuffer()],
    'clear.avif': [ROUNDED, await sharp(plain).ensureAlpha(0.2).avif({ effort: 0 }).toBuffer()],
  }
  const names = ['chapel/01.jpg', 'bell-tower/02.jpg', 'boathouse/03.jpg']
  const samples = names.map((name): [string, number] => [join(ROOT, 'samples/campus', name), TOLERANCE])
  const saved = Object.entries(files).map(([name, [tolerance, content]]) => save(folder, name, content, tolerance))
  return new Map([...samples, ...(await Promise.all(saved))])
}

/** Images that a page shows with a word, or not at all, and what it says. */
export async function imagesApart(folder: string): Promise<ReadonlyMap<string, RegExp>> {
  await mkdir(folder, { recursive: true })
  const plain = await scaled(100).png().toBuffer()
  // One row of two pixels, padded.
  const header = littleEndian(54 + 8, 0, 54, 40, 2, 1, 0x180001, 0, 8, 0, 0, 0, 0)
  const bitmap = Buffer.concat([Buffer.from('BM'), header, Buffer.of(0, 0, 255, 0, 255, 0, 0, 0)])
  return new Map(await Promise.all([
    save(folder, 'print.jpg', await sharp(plain).toColourspace('cmyk').jpeg().toBuffer(), /^It is in CMYK, made for print/),
    save(folder, 'bitmap.bmp', bitmap, /^It is no JPEG, PNG, WebP, GIF or AVIF/),
    save(folder, 'scan.tif', await sharp(plain).tiff().toBuffer(), /^scan\.tif is TIFF, which this browser cannot read\. Save it as/),
  ]))
}

async function save<Expected>(folder: string, name: string, content: Buffer, expected: Expected): Promise<[string, Expected]> {
  await writeFile(join(folder, name), content)
  return [join(folder, name), expected]
}

/** What a PNG's pixels are compressed to. */
function pixelsOf(png: Buffer): Buffer {
  return Buffer.concat(pngChunks(png).filter(({ type }) => type === 'IDAT').map(({ data }) => data))
}

function littleEndian(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, i * 4)
  return bytes
}
