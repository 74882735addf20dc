import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ImageFolder } from '../../../src/datasets/image-folder.js'
import { fingerprint, openTrainVal } from '../../../src/datasets/train-val.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

/** Files with these contents: an image folder never decodes. */
async function lay(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

const manyOf = (label: string, count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${label}/${i}.jpg`, `${label} ${i}`]))

describe('ImageFolder', () => {
  test('classes are folders and images files, both sorted by code point; leftovers and other files are passed over', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { 'b/2.JPG': 'x', 'b/10.jpeg': 'y', 'B/a.png': 'z', 'é/1.webp': 'w', '\u{1f600}/1.gif': 'v', '\uffee/1.tif': 'u', 'b/deep/er/3.avif': 't', 'b/notes.txt': 'no', '.git/1.jpg': 'no', '__MACOSX/1.jpg': 'no', 'b/.hidden.jpg': 'no', 'empty/readme.md': 'no' })
    const images = await ImageFolder.open(folder.path)
    expect(images.classes).toEqual(['B', 'b', 'é', '\uffee', '\u{1f600}'])
    expect(images.items.map(({ path }) => path)).toEqual(['B/a.png', 'b/10.jpeg', 'b/2.JPG', 'b/deep/er/3.avif', 'é/1.webp', '\uffee/1.tif', '\u{1f600}/1.gif'])
    expect(images.items.map(({ label }) => label)).toEqual([0, 1, 1, 1, 2, 3, 4])
    expect(images.items[0]?.hash).toBe('594e519ae499312b29433b7dd8a97ff0') // of "z": sha256, first 32 digits
    expect(await images.get(1)).toEqual({ image: join(folder.path, 'b/10.jpeg'), label: 1 })
    expect(images.name(1)).toBe('b/10.jpeg')
  })

  test('formats that cannot be read are named, with what to do', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { 'a/1.jpg': '1', 'b/1.jpg': '2', 'a/2.HEIC': 'x', 'b/3.bmp': 'x' })
    const { skipped } = await ImageFolder.open(folder.path)
    expect(skipped).toEqual([
      { path: 'a/2.HEIC', code: 'ERR_IMAGE_DECODE', message: expect.stringContaining('convert it to JPEG') },
      { path: 'b/3.bmp', code: 'ERR_IMAGE_DECODE', message: expect.stringContaining('.bmp') },
    ])
  })

  test('links that lead out are skipped and counted, or followed where asked; loops and dead links never hang', async () => {
    await using folder = await temporaryFolder()
    const root = join(folder.path, 'data')
    await lay(folder.path, { 'outside/secret.jpg': 's', 'data/a/1.jpg': '1', 'data/b/1.jpg': '2' })
    await symlink(join(folder.path, 'outside/secret.jpg'), join(root, 'a/link.jpg'))
    await symlink(join(folder.path, 'outside'), join(root, 'a/linked'))
    await symlink(join(root, 'a'), join(root, 'a/loop'))
    await symlink(join(root, 'nothing'), join(root, 'b/dead.jpg'))
    await symlink(join(root, 'b/1.jpg'), join(root, 'a/inner.jpg'))
    const closed = await ImageFolder.open(root)
    expect(closed.items.map(({ path }) => path)).toEqual(['a/1.jpg', 'a/inner.jpg', 'b/1.jpg'])
    expect(closed.skipped.map(({ path }) => path)).toEqual(['a/link.jpg', 'a/linked', 'a/loop', 'b/dead.jpg'])
    const open = await ImageFolder.open(root, { followLinks: true })
    expect(open.items.map(({ path }) => path)).toEqual(['a/1.jpg', 'a/inner.jpg', 'a/link.jpg', 'a/linked/secret.jpg', 'b/1.jpg'])
  })

  test.each([
    [{}, 'ERR_DATA_EMPTY', 'There are no images'],
    [{ 'a/notes.txt': 'x' }, 'ERR_DATA_EMPTY', 'a folder for each class'],
    [{ '1.jpg': 'x' }, 'ERR_DATA_EMPTY', 'put them in a folder for each class'],
    [{ 'a/1.jpg': 'x' }, 'ERR_DATA_CLASSES', 'one class only, a'],
  ])('a folder with %j is %s', async (files, code, message) => {
    await using folder = await temporaryFolder()
    await lay(folder.path, files)
    await expect(ImageFolder.open(folder.path)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('a folder that is not there, and a file, are told apart', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { file: 'x' })
    await expect(ImageFolder.open(join(folder.path, 'no'))).rejects.toMatchObject({ message: expect.stringContaining('there is no such folder') })
    await expect(ImageFolder.open(join(folder.path, 'file'))).rejects.toMatchObject({ message: expect.stringContaining('it is not a folder') })
  })
})

describe('openTrainVal', () => {
  const options = { val: 0.2, seed: 1 }

  test('a flat folder is split; renaming an image moves nothing', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { ...manyOf('a', 20), ...manyOf('b', 10) })
    const before = await openTrainVal(folder.path, options)
    expect([before.train.length, before.val.length]).toEqual([24, 6])
    const hashes = before.val.items.map(({ hash }) => hash).sort()
    await rename(join(folder.path, 'a/0.jpg'), join(folder.path, 'a/zz.jpg'))
    const after = await openTrainVal(folder.path, options)
    expect(after.val.items.map(({ hash }) => hash).sort()).toEqual(hashes)
    const expected = fingerprint(before.classes, [...before.val.items, ...before.train.items])
    expect(fingerprint(after.classes, [...after.train.items, ...after.val.items])).toBe(expected)
  })

  test('a folder with train/ and val/ is taken as it is, paths relative to it; what lies in both sets is counted', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { 'train/a/1.jpg': '1', 'train/b/1.jpg': '2', 'val/b/9.jpg': '2', 'val/a/8.jpg': '3', 'test/a/7.jpg': '4' })
    const sets = await openTrainVal(folder.path, options)
    expect(sets.train.items.map(({ path }) => path)).toEqual(['train/a/1.jpg', 'train/b/1.jpg'])
    expect(sets.val.items).toMatchObject([{ path: 'val/a/8.jpg', label: 0 }, { path: 'val/b/9.jpg', label: 1 }])
    expect(sets).toMatchObject({ duplicates: 1, leaked: 1 })
  })

  test('a folder of its own as the validation set may lack classes, but have no others', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, { ...Object.fromEntries(Object.entries({ ...manyOf('a', 3), ...manyOf('b', 3) }).map(([path, text]) => [`data/${path}`, text])), 'other/b/1.jpg': 'x', 'wrong/c/1.jpg': 'y' })
    const sets = await openTrainVal(join(folder.path, 'data'), { ...options, val: join(folder.path, 'other') })
    expect(sets.val.items).toMatchObject([{ path: '../other/b/1.jpg', label: 1 }])
    await expect(openTrainVal(join(folder.path, 'data'), { ...options, val: join(folder.path, 'wrong') })).rejects.toMatchObject({ code: 'ERR_DATA_CLASSES', message: expect.stringContaining('unknown classes: c') })
  })

  test('the fingerprint knows labels and contents', () => {
    const items = [{ path: 'x', label: 0, hash: 'h1' }, { path: 'y', label: 1, hash: 'h2' }]
    const print = fingerprint(['a', 'b'], items)
    expect(print).toMatch(/^[0-9a-f]{32}$/)
    expect(fingerprint(['b', 'a'], items)).not.toBe(print)
    expect(fingerprint(['a', 'b'], items.slice(1))).not.toBe(print)
  })
})
