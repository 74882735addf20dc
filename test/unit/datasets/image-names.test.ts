import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { decodeImage } from '../../../src/images/decode.js'
import type { ResizeRule } from '../../../src/images/resize-rule.js'
import { recognizeBytes } from '../../../src/images/first-bytes.js'
import { ImageFolder } from '../../../src/datasets/image-folder.js'
import { openNotebookSplit } from '../../../src/recipes/notebook/split.js'
import { openTrainVal } from '../../../src/datasets/train-val.js'
import { leftoverName } from '../../../src/datasets/leftover-names.js'
import { endingOf } from '../../../src/images/image-endings.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

type Folder = Awaited<ReturnType<typeof temporaryFolder>>
let folder: Folder
beforeEach(async () => (folder = await temporaryFolder()))
afterEach(() => folder[Symbol.asyncDispose]())

async function lay(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries({ 'a/1.jpg': '1', 'a/2.jpg': '2', 'b/1.jpg': '3', 'b/2.jpg': '4', ...files })) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true })
    await writeFile(join(folder.path, path), content)
  }
}

const IMAGE = sharp({ create: { width: 40, height: 30, channels: 3, background: { r: 200, g: 90, b: 20 }, noise: { type: 'gaussian', mean: 120, sigma: 30 } } })
const JPEG = await IMAGE.jpeg().toBuffer()
const RULE: ResizeRule = { shorterSide: 20, crop: 20, antialias: true, pad: null, orient: true, profile: true }
const OTHERS = new Set(['a/1.jpg', 'a/2.jpg', 'b/1.jpg', 'b/2.jpg'])
const others = ({ items }: ImageFolder): string[] => items.map(({ path }) => path).filter((path) => !OTHERS.has(path))

test.each(['jpg', 'jpeg', 'jpe', 'jfif', 'jfi', 'jif', 'pjpeg', 'pjp', 'mpo', 'JFIF', 'Jpe'])('a JPEG that ends in .%s is taken, and has the pixels of a .jpg', async (ending) => {
  await lay({ [`a/x.${ending}`]: JPEG, 'x.jpg': JPEG })
  expect(others(await ImageFolder.open(folder.path))).toEqual([`a/x.${ending}`])
  const pixels = await decodeImage(join(folder.path, `a/x.${ending}`), RULE)
  expect(Buffer.from(pixels.data).equals(Buffer.from((await decodeImage(join(folder.path, 'x.jpg'), RULE)).data))).toBe(true)
})

test.each(['png', 'apng', 'webp', 'tif', 'tiff', 'gif', 'avif', 'TIFF'])('an image that ends in .%s is taken', async (ending) => {
  await lay({ [`a/x.${ending}`]: 'x' })
  expect(others(await ImageFolder.open(folder.path))).toEqual([`a/x.${ending}`])
})

describe('files without an ending are taken by their first bytes', () => {
  test.each(['x', '0012', 'photo.jpg?w=300', 'photo.jpg_large', '2021.05.03', 'photo.jpg.1', 'Dr. Smith', 'photo.jpg ', 'снимок', 'photo.', 'x.фото'])('such as %j', async (name) => {
    await lay({ [`a/${name}`]: JPEG, [`b/${name}`]: 'no image', 'x.jpg': JPEG })
    const images = await ImageFolder.open(folder.path)
    expect(others(images)).toEqual([`a/${name}`])
    expect(images.passedOver.endings).toEqual([{ ending: '', count: 1 }])
    const pixels = await decodeImage(join(folder.path, `a/${name}`), RULE)
    expect(Buffer.from(pixels.data).equals(Buffer.from((await decodeImage(join(folder.path, 'x.jpg'), RULE)).data))).toBe(true)
  })

  test('in any format that is read, and by way of links', async () => {
    await lay({ 'a/gif': await IMAGE.gif().toBuffer(), 'a/png': await IMAGE.png().toBuffer(), 'a/tiff': await IMAGE.tiff().toBuffer(), 'a/webp': await IMAGE.webp().toBuffer(), 'a/avif': await IMAGE.avif({ effort: 0 }).toBuffer() })
    await symlink('gif', join(folder.path, 'a/linked'))
    await symlink('../a', join(folder.path, 'b/more'))
    expect(others(await ImageFolder.open(folder.path)).filter((path) => path.startsWith('a/'))).toEqual(['a/avif', 'a/gif', 'a/linked', 'a/png', 'a/tiff', 'a/webp'])
  })

  test('or named, where it is a format that is not', async () => {
    const heic = Buffer.from('\0\0\0\x18ftypmif1\0\0\0\0mif1heic', 'latin1')
    await lay({ 'a/phone': heic, 'a/paint': Buffer.concat([Buffer.from('BM'), Buffer.alloc(12), Buffer.of(40, 0, 0, 0), Buffer.alloc(40)]), 'a/memo': 'BM: my memo' })
    const { skipped, passedOver } = await ImageFolder.open(folder.path)
    expect(skipped).toMatchObject([{ path: 'a/paint', message: expect.stringMatching(/^BMP images cannot be read: convert/) }, { path: 'a/phone', message: expect.stringMatching(/^HEIC images cannot be read: convert/) }])
    expect(passedOver.endings).toEqual([{ ending: '', count: 1 }])
  })

  test('but not by the notebook’s recipe, which takes what torchvision takes and names the others', async () => {
    await lay({ 'a/bare': JPEG, 'a/x.jfif': JPEG })
    const { train, val } = await openNotebookSplit(folder.path, { val: 0.5 })
    expect([train.length + val.length, train.skipped.map(({ path, message }) => `${path}: ${message}`)]).toEqual([4, ['a/bare: the notebook\'s data set takes no files without an ending', 'a/x.jfif: the notebook\'s data set takes no .jfif images']])
  })
})

test.each<[string, Uint8Array, unknown]>([
  ['nothing', Buffer.alloc(0), undefined],
  ['one byte', Buffer.of(0xff), undefined],
  ['a text', Buffer.from('RIFF of a WEBP, GIF8'), undefined],
  ['a sound', Buffer.from('RIFF....WAVE'), undefined],
  ['a film', Buffer.from('\0\0\0\x20ftypisom\0\0\0\0', 'latin1'), undefined],
  ['BigTIFF', Buffer.from('MM\0+', 'latin1'), 'image'],
  ['AVIF by another brand', Buffer.from('\0\0\0\x20ftypmif1\0\0\0\0avifmif1', 'latin1'), 'image'],
  ['JPEG XL', Buffer.of(0xff, 0x0a, 1), { reason: 'JPEG XL images cannot be read: convert it to JPEG or PNG' }],
])('%s is told by its first bytes', (_, bytes, expected) => {
  expect(recognizeBytes(bytes)).toEqual(expected)
})

test('what is passed over by its name is counted by ending, the most first', async () => {
  await lay({ 'a/1.txt': 'x', 'a/deep/2.TXT': 'x', 'b/3.txt': 'x', 'b/1.json': 'x', 'labels.csv': 'x', 'b/film.mp4': 'x', 'b/readme': 'x' })
  const { train, passedOver, notes } = await openTrainVal(folder.path, { val: 0.5, seed: 1 })
  const endings = [{ ending: '.txt', count: 3 }, { ending: '', count: 1 }, { ending: '.csv', count: 1 }, { ending: '.json', count: 1 }, { ending: '.mp4', count: 1 }]
  expect([passedOver, train.passedOver]).toEqual([{ endings, leftovers: [], unclassed: 0 }, passedOver])
  expect(notes).toEqual(['7 files passed over by their names: 3 .txt, 1 without an ending, 1 .csv, 1 .json, 1 .mp4.'])
})

test('where no image is left, what was passed over and left out is told', async () => {
  for (const name of ['a/1.heic', 'a/2.xyz', 'b/3.xyz']) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true })
    await writeFile(join(folder.path, name), 'x')
  }
  await expect(ImageFolder.open(folder.path)).rejects.toMatchObject({
    code: 'ERR_DATA_EMPTY', message: expect.stringMatching(/^There are no images in .*1 file cannot be taken, such as a\/1\.heic: HEIC .*\. 2 files passed over by their names: 2 \.xyz$/),
  })
})

const LEFT_FOLDERS = [
  '@eaDir', '#recycle', '#snapshot', '@Recycle', '@Recently-Snapshot', '.@__thumb', '$RECYCLE.BIN', '$Recycle.Bin', 'System Volume Information', '__MACOSX', '.Trashes', '.Trash-1000', '.AppleDouble',
  '.ipynb_checkpoints', '.thumbnails', 'lost+found', '.git', '.svn', '.picasaoriginals', 'Photos.lrdata', 'My.photoslibrary', 'FOUND.000', '~snapshot', 'LOST.DIR', '__pycache__',
]
const LEFT_FILES = ['Thumbs.db', 'thumbs.db', 'ehthumbs.db', 'desktop.ini', 'Desktop.ini', '.DS_Store', '._1.jpg', '.hidden.jpg', '1.jpg~', '#1.jpg#', '1.jpg_original', '1.jpg:Zone.Identifier', 'Icon\r', 'Picasa.ini', '.picasa.ini']

test.each(LEFT_FOLDERS)('%s is no class, and nothing in it is taken, at any depth', async (name) => {
  await lay({ [`${name}/a/9.jpg`]: 'x', [`a/${name}/9.jpg`]: 'x', [`b/deep/${name}/c/9.jpg`]: 'x' })
  const images = await ImageFolder.open(folder.path)
  expect([images.classes, others(images), images.passedOver.leftovers.reduce((sum, { count }) => sum + count, 0)]).toEqual([['a', 'b'], [], 3])
})

test.each(LEFT_FILES)('%j is passed over and counted, at any depth', async (name) => {
  await lay({ [name]: JPEG, [`a/${name}`]: JPEG, [`b/deep/${name}`]: JPEG })
  const images = await ImageFolder.open(folder.path)
  expect([others(images), images.passedOver.endings, images.passedOver.leftovers.map(({ count }) => count)]).toEqual([[], [], [3]])
})

test('leftovers are told of once, by kind', async () => {
  await lay({ 'a/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg': 'x', 'b/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg': 'x', '#recycle/a/1.jpg': 'x', 'a/.x': 'x', 'a/.y': 'x' })
  expect((await openTrainVal(folder.path, { val: 0.5, seed: 1 })).notes).toEqual(['Leftovers of systems and editors passed over: 2 hidden, 2 @eaDir, 1 #recycle.'])
})

test.each(['recycle', 'snapshot', 'macosx', 'eaDir', 'lost', 'recycled', '#1', '@home', '$5', 'thumbs', 'original', 'cvs'])('a class may be called %s', (name) => {
  expect(leftoverName(name, false)).toBeUndefined()
})

test.each([['a.JPG', '.jpg'], ['a.tar.gz', '.gz'], ['a.mp4', '.mp4'], ['a.3fr', '.3fr'], ['a', ''], ['a.1', ''], ['a.', ''], ['a.jpg_large', ''], ['a b. c', ''], ['.png', ''], ['a.verylongwordhere', '']])('%j ends in %j', (name, ending) => {
  expect(endingOf(name)).toBe(ending)
})
