import { spawnSync } from 'node:child_process'
import { cp, link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'

/** Each file's own colour, so that one image in another's place is seen. */
export type Colour = readonly [red: number, green: number, blue: number]

export interface OddImage {
  /** The file's name; bytes where it is not text. */
  readonly name: string | Buffer
  readonly what: string
  readonly make: (path: string | Buffer, colour: Colour) => Promise<unknown>
  /** Why it is left out; absent where it is read. */
  readonly reason?: RegExp
  /** How far a colour may come out from its own, per channel. @default 3 */
  readonly tolerance?: number
  /** Not among a folder's images, and not told of either: by its name it is none. */
  readonly unlisted?: boolean
}

const SIDE = 48
const solid = ([r, g, b]: Colour, side = SIDE): Sharp =>
  sharp({ create: { width: side, height: side, channels: 3, background: { r, g, b } } })
const noisy = (side = 300): Sharp => sharp({ create: { width: side, height: side, channels: 3, background: 'black', noise: { type: 'gaussian', mean: 128, sigma: 50 } } })
const save = (encode: (image: Sharp) => Sharp) => async (path: string | Buffer, colour: Colour): Promise<void> =>
  writeFile(path, await encode(solid(colour)).toBuffer())
const cutTo = (share: number, encode: (image: Sharp) => Sharp) => async (path: string | Buffer): Promise<void> => {
  const bytes = await encode(noisy()).toBuffer()
  await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)))
}
const bytes = (content: string | Uint8Array) => (path: string | Buffer): Promise<void> => writeFile(path, content)

export function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** A PNG by hand: 8-bit RGB rows of one colour, and what else is asked for. */
interface PngParts { readonly colour?: Colour; readonly rows?: number; readonly extra?: readonly Buffer[] }

export function handMadePng(width: number, height: number, { colour = [0, 0, 0], rows = height, extra = [] }: PngParts = {}): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const row = Buffer.concat([Buffer.of(0), Buffer.alloc(width * 3, Uint8Array.from(colour))])
  const pixels = deflateSync(Buffer.concat(Array.from({ length: rows }, () => row)))
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', header), ...extra, chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))])
}

const HEIC_HEAD = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic'), Buffer.alloc(200)])
const NOT_A_IMAGE = /not an image in a known format/

export const ODD_IMAGES: readonly OddImage[] = [
  // Odd, and read.
  { name: 'webp-named.jpg', what: 'a WebP named .jpg', make: save((p) => p.webp({ lossless: true })) },
  { name: 'png-named.gif', what: 'a PNG named .gif', make: save((p) => p.png()) },
  { name: 'UPPER.JPEG', what: 'an ending in capitals', make: save((p) => p.jpeg({ quality: 100, chromaSubsampling: '4:4:4' })) },
  { name: 'cmyk.jpg', what: 'CMYK', make: save((p) => p.toColourspace('cmyk').jpeg({ quality: 100 })), tolerance: 90 },
  { name: '16-bit.png', what: '16 bits a channel', make: save((p) => p.toColourspace('rgb16').png()) },
  { name: 'palette.png', what: 'a palette', make: save((p) => p.png({ palette: true })) },
  { name: 'clear.png', what: 'fully transparent: its colours count', make: save((p) => p.ensureAlpha(0).png()) },
  { name: 'interlaced.png', what: 'an interlaced PNG', make: save((p) => p.png({ progressive: true })) },
  { name: 'progressive.jpg', what: 'a progressive JPEG', make: save((p) => p.jpeg({ progressive: true, quality: 100, chromaSubsampling: '4:4:4' })) },
  { name: 'small.avif', what: 'AVIF', make: save((p) => p.avif({ lossless: true, effort: 0 })), tolerance: 6 },
  { name: 'tiled.tif', what: 'a tiled, compressed TIFF', make: save((p) => p.tiff({ tile: true, compression: 'lzw' })) },
  {
    name: 'animated.gif', what: 'an animated GIF: its first frame', tolerance: 6,
    make: async (path, colour) => {
      const frames = [await solid(colour).png().toBuffer(), await solid([0, 0, 0]).png().toBuffer()]
      await writeFile(path, await sharp(frames, { join: { animated: true } }).gif().toBuffer())
    },
  },
  { name: 'turned.jpg', what: 'EXIF-rotated', make: save((p) => p.jpeg({ quality: 100 }).withMetadata({ orientation: 8 })) },
  { name: 'p3.jpg', what: 'Display-P3: turned to sRGB', make: save((p) => p.withIccProfile('p3').jpeg({ quality: 100 })), tolerance: 12 },
  { name: 'bad-profile.png', what: 'a colour profile that is nonsense', make: (path, colour) => writeFile(path, handMadePng(SIDE, SIDE, { colour, extra: [chunk('iCCP', Buffer.concat([Buffer.from('x\0\0'), deflateSync(Buffer.from('no profile'))]))] })) },
  { name: 'one.png', what: '1×1', make: async (path, colour) => writeFile(path, await solid(colour, 1).png().toBuffer()) },
  { name: 'tail.jpg', what: 'bytes after its end', make: async (path, colour) => writeFile(path, Buffer.concat([await solid(colour).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(), Buffer.alloc(5000, 'junk')])) },
  { name: '\u{1f600} smile.png', what: 'an emoji in its name', make: save((p) => p.png()) },
  { name: 'new\nline.png', what: 'a newline in its name', make: save((p) => p.png()) },
  { name: '-rf $(x) "quoted" \'.png', what: 'a name that a shell would act on', make: save((p) => p.png()) },
  { name: `${'l'.repeat(240)}.png`, what: 'a long name', make: save((p) => p.png()) },
  { name: 'link-inside.png', what: 'a link to an image inside', make: async (path, colour) => (await save((p) => p.png())(join(String(path), '..', '..', 'z', 'target.png'), colour), symlink('../z/target.png', path)) },
  {
    name: 'hard-link.png', what: 'a hard link', make: async (path, colour) => {
      await save((p) => p.png())(`${String(path)}.original`, colour)
      await link(`${String(path)}.original`, path)
    },
  },
  { name: 'folder.png', what: 'a folder with images inside: they belong to its class', make: async (path, colour) => (await mkdir(path), save((p) => p.png())(join(String(path), 'inner.png'), colour)) },

  // Bad, and left out.
  { name: 'cut.jpg', what: 'a truncated JPEG', make: cutTo(0.4, (p) => p.jpeg()), reason: /cut short/ },
  { name: 'cut.png', what: 'a truncated PNG', make: cutTo(0.5, (p) => p.png()), reason: /^it is (?:damaged|cut short|not an image)/ },
  { name: 'cut.webp', what: 'a truncated WebP', make: cutTo(0.5, (p) => p.webp()), reason: /^it is (?:damaged|cut short|not an image)/ },
  { name: 'cut.gif', what: 'a truncated GIF', make: cutTo(0.5, (p) => p.gif()), reason: /^it is (?:damaged|cut short|not an image)/ },
  { name: 'cut.tif', what: 'a truncated TIFF', make: cutTo(0.5, (p) => p.tiff()), reason: /^it is (?:damaged|cut short|not an image)/ },
  { name: 'head-only.jpg', what: 'the first bytes of a JPEG', make: cutTo(0.005, (p) => p.jpeg()), reason: /^it is (?:damaged|cut short|not an image)/ },
  { name: 'empty.jpg', what: 'no bytes', make: bytes(''), reason: /it is empty/ },
  { name: 'zeros.jpg', what: 'zeros, as a failed disk leaves them', make: bytes(Buffer.alloc(20_000)), reason: NOT_A_IMAGE },
  { name: 'text.jpg', what: 'a text', make: bytes('this is not an image'), reason: NOT_A_IMAGE },
  { name: 'page.jpg', what: 'a web page, as failed downloads are', make: bytes('<!doctype html><html><body>404</body></html>'), reason: NOT_A_IMAGE },
  { name: 'vector.png', what: 'an SVG named .png', make: bytes('<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"><rect width="50" height="50"/></svg>'), reason: NOT_A_IMAGE },
  { name: 'paper.jpg', what: 'a PDF named .jpg', make: bytes('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n'), reason: NOT_A_IMAGE },
  { name: 'bitmap.jpg', what: 'a BMP named .jpg', make: bytes(Buffer.concat([Buffer.from('BM'), Buffer.alloc(200)])), reason: NOT_A_IMAGE },
  { name: 'phone.heic', what: 'HEIC', make: bytes(HEIC_HEAD), reason: /HEIC.*convert it to JPEG.*heif-convert/ },
  { name: 'phone.jpg', what: 'HEIC named .jpg', make: bytes(HEIC_HEAD), reason: /HEIC.*convert it to JPEG.*heif-convert/ },
  { name: 'raw.dng', what: 'a camera’s raw file', make: bytes('x'), reason: /\.dng images cannot be read: convert/ },
  { name: 'damaged.png', what: 'a PNG whose pixels are damaged', make: (path, colour) => writeFile(path, handMadePng(SIDE, SIDE, { colour, rows: 5 })), reason: /^it is (?:damaged|cut short|not an image)/ },
  { name: 'huge.png', what: '20,000×20,000', make: (path) => writeFile(path, handMadePng(20_000, 20_000, { rows: 1 })), reason: /more than 268 million pixels/ },
  { name: 'bomb.png', what: 'a bomb of pixels: a few bytes that claim four billion', make: (path) => writeFile(path, handMadePng(65_000, 65_000, { rows: 0 })), reason: /more than 268 million pixels/ },
  { name: 'thread.png', what: '1×16,000: too narrow to be scaled', make: (path) => writeFile(path, handMadePng(1, 16_000)), reason: /so narrow/ },
  { name: 'sparse.jpg', what: 'a file of 100 GB, all holes', make: async (path) => (await writeFile(path, ''), truncate(path, 100e9)), reason: /more than 1 GiB/ },
  { name: 'dead.jpg', what: 'a link to nothing', make: (path) => symlink('nowhere.jpg', path), reason: /a link to nothing/ },
  { name: 'itself.jpg', what: 'a link to itself', make: (path) => symlink('itself.jpg', path), reason: /a link to nothing/ },
  { name: 'outside.jpg', what: 'a link that leads out', make: (path) => symlink('/etc/hostname', path), reason: /leads out of the folder/ },
  { name: 'zero.jpg', what: 'a link to a device without end', make: (path) => symlink('/dev/zero', path), reason: /leads out of the folder/ },
  { name: 'loop', what: 'a link to the folder that it lies in', make: (path) => symlink('.', path), reason: /a link back/ },
  { name: 'a-folder.jpg', what: 'an empty folder named .jpg', make: (path) => mkdir(path), reason: /it is a folder/ },
  {
    name: 'pipe.jpg', what: 'a FIFO, which would be waited for without end', reason: /not a file/,
    make: async (path) => {
      if (spawnSync('mkfifo', [String(path)]).status !== 0) throw new Error('mkfifo is needed for this test')
    },
  },
  { name: Buffer.concat([Buffer.from('caf\xe9', 'latin1'), Buffer.from('.png')]), what: 'a name that is not UTF-8', make: save((p) => p.png()), reason: /not UTF-8 text: rename it/ },

  // No images, and passed over.
  { name: 'notes.txt', what: 'a text', make: bytes('notes'), unlisted: true },
  { name: '.hidden.jpg', what: 'a hidden file', make: bytes('x'), unlisted: true },
  { name: 'Thumbs.db', what: 'what a system leaves behind', make: bytes('x'), unlisted: true },
]

/** The colour of the image with this number. */
export function colourOf(i: number): Colour {
  return [40 + ((i * 53) % 170), 40 + ((i * 97) % 170), 40 + ((i * 31) % 170)]
}

/** A folder of two classes: all odd images in `a`, good ones in `b`. */
export async function layOddImages(root: string): Promise<void> {
  for (const label of ['a', 'b', 'z']) await mkdir(join(root, label), { recursive: true })
  for (const [i, { name, make }] of ODD_IMAGES.entries()) {
    const path = typeof name === 'string' ? join(root, 'a', name) : Buffer.concat([Buffer.from(join(root, 'a', '/')), name])
    await make(path, colourOf(i))
  }
  for (let i = 0; i < 6; i++) await cp(join(root, 'a/16-bit.png'), join(root, 'b', `${i}.png`))
}
