import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ImageFolder } from '../../../src/datasets/image-folder.js'
import { openTrainVal } from '../../../src/datasets/train-val.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

/** Files with their own paths for contents, or with these: an image folder never decodes. */
async function lay(root: string, files: readonly string[], contents: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const path of files) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), contents[path] ?? path)
  }
}

const many = (label: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${label}/${i}.jpg`)
const SIDES = { val: 0.25, seed: 1 }

test('an empty class is no class, and told of', async () => {
  await using folder = await temporaryFolder()
  await lay(folder.path, [...many('a', 4), ...many('b', 4), 'empty/readme.txt'])
  await mkdir(join(folder.path, 'bare'))
  const sets = await openTrainVal(folder.path, SIDES)
  expect(sets.classes).toEqual(['a', 'b'])
  expect(sets.notes).toEqual(['2 class folders without images passed over: bare, empty.', '1 file passed over by its name: 1 .txt.'])
})

test('a class of one image is learned from, and that it is not scored is told', async () => {
  await using folder = await temporaryFolder()
  await lay(folder.path, [...many('a', 8), ...many('b', 8), 'rare/1.jpg'])
  const sets = await openTrainVal(folder.path, SIDES)
  expect(sets.train.items.filter(({ label }) => label === 2).map(({ path }) => path)).toEqual(['rare/1.jpg'])
  expect(sets.notes).toEqual(['1 class without a validation image: rare.'])
})

test('one class is refused by name, with what it takes', async () => {
  await using folder = await temporaryFolder()
  await lay(folder.path, many('only', 3))
  await expect(openTrainVal(folder.path, SIDES)).rejects.toMatchObject({ code: 'ERR_DATA_CLASSES', message: expect.stringMatching(/one class only, only: .* two or more, each in a folder of its own$/) })
})

test('one image a class leaves nothing to score, which is refused', async () => {
  await using folder = await temporaryFolder()
  await lay(folder.path, ['a/1.jpg', 'b/1.jpg'])
  await expect(openTrainVal(folder.path, SIDES)).rejects.toMatchObject({ code: 'ERR_DATA_EMPTY', message: expect.stringMatching(/gives 2 training images and 0 validation images: both sets take at least one/) })
})

test('the same image in both sets is counted', async () => {
  await using folder = await temporaryFolder()
  await lay(folder.path, [...many('train/a', 3), ...many('train/b', 3), 'val/a/x.jpg', 'val/b/y.jpg'], { 'val/a/x.jpg': 'train/a/1.jpg', 'val/b/y.jpg': 'train/a/2.jpg' })
  expect(await openTrainVal(folder.path, SIDES)).toMatchObject({ duplicates: 2, leaked: 2 })
})

describe('classes that differ between train and val', () => {
  test('missing in val, are told of', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, [...many('train/a', 2), ...many('train/b', 2), ...many('train/c', 2), ...many('val/b', 2)])
    expect((await openTrainVal(folder.path, SIDES)).notes).toEqual(['2 classes without a validation image: a, c.'])
  })

  test('only in val, are refused by name', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, [...many('train/a', 2), ...many('train/b', 2), ...many('val/c', 2)])
    await expect(openTrainVal(folder.path, SIDES)).rejects.toMatchObject({ code: 'ERR_DATA_CLASSES', message: expect.stringMatching(/unknown classes: c\. The classes are a, b$/) })
  })

  test.each([['Cat', 'cat'], ['caf\u00e9', 'cafe\u0301']])('in nothing but case or composition, %s and %s, are told apart', async (ours, theirs) => {
    await using folder = await temporaryFolder()
    await lay(folder.path, [...many(`train/${ours}`, 2), ...many('train/dog', 2), ...many(`val/${theirs}`, 2)])
    await expect(openTrainVal(folder.path, SIDES)).rejects.toMatchObject({ code: 'ERR_DATA_CLASSES', message: expect.stringContaining(`${ours} and ${theirs} differ in case only: rename the folders`) })
  })

  test('within one folder, are two classes, and told of', async () => {
    await using folder = await temporaryFolder()
    await lay(folder.path, [...many('Cat', 4), ...many('cat', 4)])
    const { classes, notes } = await openTrainVal(folder.path, SIDES)
    expect(classes).toEqual(['Cat', 'cat'])
    expect(notes).toEqual(['Classes that differ in case only are taken for different ones: Cat and cat.'])
  })
})

function layMany(root: string, folders: number, file?: string): void {
  for (let i = 0; i < folders; i++) {
    const path = join(root, `c${String(i).padStart(6, '0')}`)
    mkdirSync(path)
    if (file !== undefined) writeFileSync(join(path, file), String(i))
  }
}

test('two thousand classes', async () => {
  await using folder = await temporaryFolder()
  layMany(folder.path, 2000, '1.jpg')
  const images = await ImageFolder.open(folder.path)
  expect([images.classes.length, images.length, images.items[1999]]).toEqual([2000, 2000, { path: 'c001999/1.jpg', label: 1999, hash: expect.any(String) }])
  const again = await ImageFolder.open(folder.path, { classes: images.classes })
  expect(again.items).toEqual(images.items)
}, 120_000)

test('twenty thousand empty folders beside two classes are passed over, and counted', async () => {
  await using folder = await temporaryFolder()
  layMany(folder.path, 20_000)
  await lay(folder.path, [...many('x', 4), ...many('y', 4)])
  const sets = await openTrainVal(folder.path, SIDES)
  expect(sets.classes).toEqual(['x', 'y'])
  expect(sets.notes).toEqual(['20000 class folders without images passed over: c000000, c000001, c000002, c000003, c000004, ….'])
}, 120_000)

test('five thousand empty folders within a class', async () => {
  await using folder = await temporaryFolder()
  for (const label of ['a', 'b']) await lay(folder.path, many(label, 2))
  layMany(join(folder.path, 'a'), 5_000)
  expect((await ImageFolder.open(folder.path)).length).toBe(4)
}, 120_000)

test('folders that link to each other in every order are each listed once', async () => {
  await using folder = await temporaryFolder()
  const names = Array.from({ length: 12 }, (_, i) => `f${i}`)
  for (const name of names) await lay(folder.path, [`a/${name}/own-${name}.jpg`])
  await lay(folder.path, many('b', 2))
  for (const from of names) for (const to of names) if (from !== to) symlinkSync(join('..', to), join(folder.path, 'a', from, `to-${to}`))
  const { items } = await ImageFolder.open(folder.path)
  expect(items.filter(({ label }) => label === 0)).toHaveLength(12) // not 12! of them
})
