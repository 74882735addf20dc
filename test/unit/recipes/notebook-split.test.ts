import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openNotebookSplit } from '../../../src/recipes/notebook/split.js'
import { numpyShuffled } from '../../../src/random/numpy.js'
import type { TrainVal } from '../../../src/datasets/describe-splits.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

async function makeFolder(root: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), file)
  }
}

const pathsOf = (side: TrainVal['train']): string[] => side.items.map(({ path }) => path)
const inOrder = <T>(items: readonly T[]): T[] => numpyShuffled(items.length, 1999).map((i) => items[i]!)

test('images go by class, folder and name as torchvision lists them, shuffled as numpy does, and split by position', async () => {
  await using folder = await temporaryFolder()
  // torchvision lists a folder's own files before those of its folders, and "s-1" before "s/1"
  const listed = ['B/10.jpg', 'B/9.JPG', 'B/z.png', 'B/s/1.jpg', 'B/s-1/1.jpg', 'B/s/a/1.jpg', 'a/x.webp', 'ä/x.tif', '\u{1f600}/x.jpg', '\ufffd/x.jpg']
  await makeFolder(folder.path, [...listed, 'B/skip.gif', 'a/notes.txt', '.hidden/x.jpg'])
  const expected = ['B/10.jpg', 'B/9.JPG', 'B/z.png', 'B/s/1.jpg', 'B/s/a/1.jpg', 'B/s-1/1.jpg', 'a/x.webp', 'ä/x.tif', '\ufffd/x.jpg', '\u{1f600}/x.jpg'].sort((a, b) => listedBefore(a, b))
  const sets = await openNotebookSplit(folder.path, { val: 0.15 })
  expect(sets.classes).toEqual(['B', 'a', 'ä', '\ufffd', '\u{1f600}'])
  expect(pathsOf(sets.train)).toEqual(inOrder(expected).slice(0, 8))
  expect(pathsOf(sets.val)).toEqual(inOrder(expected).slice(8))
  expect(sets.train.skipped).toContainEqual({ path: 'B/skip.gif', code: 'ERR_IMAGE_DECODE', message: 'the notebook\'s data set takes no .gif images' })
})

/** By class, then (folder, name), by code point. */
function listedBefore(a: string, b: string): number {
  const key = (path: string): Buffer[] => [path.split('/')[0]!, path.split('/').slice(1, -1).join('/'), path.split('/').at(-1)!].map((part) => Buffer.from(part))
  const [ka, kb] = [key(a), key(b)]
  return Buffer.compare(ka[0]!, kb[0]!) || Buffer.compare(ka[1]!, kb[1]!) || Buffer.compare(ka[2]!, kb[2]!)
}

test('train/ and val/ are merged as if their class folders were one; test/ stays out of it', async () => {
  await using folder = await temporaryFolder()
  await makeFolder(folder.path, ['train/a/1.jpg', 'train/a/3.jpg', 'val/a/2.jpg', 'train/b/1.jpg', 'val/b/1.jpg', 'val/c/0.jpg', 'test/a/9.jpg'])
  const { classes, train, val } = await openNotebookSplit(folder.path, { val: 0.5 })
  expect(classes).toEqual(['a', 'b', 'c'])
  const expected = inOrder(['train/a/1.jpg', 'val/a/2.jpg', 'train/a/3.jpg', 'train/b/1.jpg', 'val/b/1.jpg', 'val/c/0.jpg'])
  expect([pathsOf(train), pathsOf(val)]).toEqual([expected.slice(0, 3), expected.slice(3)])
})

test('a validation folder of its own is kept whole, and both sets are shuffled', async () => {
  await using folder = await temporaryFolder()
  const learned = ['a/1.jpg', 'a/2.jpg', 'a/3.jpg', 'b/1.jpg', 'b/2.jpg']
  const scored = ['a/7.jpg', 'a/8.jpg', 'b/7.jpg', 'b/8.jpg']
  await makeFolder(folder.path, [...learned.map((path) => `train/${path}`), ...scored.map((path) => `val/${path}`)])
  const { train, val } = await openNotebookSplit(folder.path, { val: join(folder.path, 'val') })
  expect(pathsOf(train)).toEqual(inOrder(learned).map((path) => `train/${path}`))
  expect(pathsOf(val)).toEqual(inOrder(scored).map((path) => `val/${path}`))
})

test('duplicates in both sets are counted, since the split looks at places only', async () => {
  await using folder = await temporaryFolder()
  await makeFolder(folder.path, ['a/1.jpg', 'b/1.jpg'])
  for (const name of ['2', '3', '4', '5', '6']) await writeFile(join(folder.path, 'a', `${name}.jpg`), 'the same')
  expect(await openNotebookSplit(folder.path, { val: 0.5 })).toMatchObject({ duplicates: 4, leaked: 1 })
})

test('links out of the folder are followed where asked for', async () => {
  await using folder = await temporaryFolder()
  await using elsewhere = await temporaryFolder()
  await makeFolder(folder.path, ['a/1.jpg', 'a/2.jpg', 'b/1.jpg'])
  await makeFolder(elsewhere.path, ['x/2.jpg'])
  await symlink(join(elsewhere.path, 'x'), join(folder.path, 'b', 'linked'))
  const all = async (followLinks: boolean): Promise<number> => {
    const { train, val } = await openNotebookSplit(folder.path, { val: 0.5, followLinks })
    return train.length + val.length
  }
  expect([await all(false), await all(true)]).toEqual([3, 4])
})
