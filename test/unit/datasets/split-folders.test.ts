import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TrainVal } from '../../../src/datasets/describe-splits.js'
import { findSplits } from '../../../src/datasets/find-splits.js'
import { ImageFolder } from '../../../src/datasets/image-folder.js'
import { openNotebookSplit } from '../../../src/recipes/notebook/split.js'
import { openTrainVal } from '../../../src/datasets/train-val.js'
import { splitNamed } from '../../../src/datasets/split-names.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

type Folder = Awaited<ReturnType<typeof temporaryFolder>>
let folder: Folder
beforeEach(async () => (folder = await temporaryFolder()))
afterEach(() => folder[Symbol.asyncDispose]())

/** Files with their own paths for contents: listing decodes none. */
async function lay(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true })
    await writeFile(join(folder.path, path), path)
  }
}

const many = (where: string, count = 4, classes: readonly string[] = ['cat', 'dog']): string[] => classes.flatMap((label) => Array.from({ length: count }, (_, i) => `${where}/${label}/${i}.jpg`))
const open = (val: number | string = 0.25): Promise<TrainVal> => openTrainVal(folder.path, { val, seed: 1 })
const firstFolders = ({ items }: TrainVal['train']): string[] => [...new Set(items.map(({ path }) => path.split('/')[0]!))].sort()

test.each([
  ['train', 'train'], ['Train', 'train'], ['TRAINING', 'train'], ['training_set', 'train'], ['Training Data', 'train'], ['train-images', 'train'], ['ｔｒａｉｎ', 'train'],
  ['val', 'val'], ['valid', 'val'], ['Validation', 'val'], ['validation_data', 'val'], ['dev', 'val'], ['eval', 'val'], ['val.set', 'val'],
  ['test', 'test'], ['Testing', 'test'], ['test_set', 'test'], ['holdout', 'test'],
  ['trains', undefined], ['invalid', undefined], ['contest', undefined], ['tests', undefined], ['device', undefined], ['images', undefined], ['data', undefined], ['', undefined], ['trainer', undefined],
])('%s is a word for %s', (name, side) => {
  expect(splitNamed(name)).toBe(side)
})

describe.each([
  ['train', 'valid'], ['train', 'validation'], ['Train', 'Val'], ['TRAIN', 'VALID'], ['training', 'dev'], ['training_set', 'validation_set'], ['seg_train', 'seg_val'], ['train2017', 'val2017'], ['flowers-train', 'flowers-val'],
])('folders called %s and %s', (train, val) => {
  test('are the training and the validation set', async () => {
    await lay(...many(train), ...many(val, 2))
    const sets = await open()
    expect([sets.classes, sets.train.length, sets.val.length, sets.notes]).toEqual([['cat', 'dog'], 8, 4, []])
    expect([firstFolders(sets.train), firstFolders(sets.val)]).toEqual([[train], [val]])
  })

  test('are merged by the notebook’s recipe', async () => {
    await lay(...many(train), ...many(val, 2))
    const { classes, train: learned, val: scored } = await openNotebookSplit(folder.path, { val: 0.25 })
    expect([classes, learned.length, scored.length]).toEqual([['cat', 'dog'], 9, 3])
  })
})

test.each([['train', 'valid', 'test'], ['Training', 'Validation', 'Testing'], ['train', 'val', 'test_set']])('of %s, %s and %s the last stays out of training', async (train, val, tested) => {
  await lay(...many(train), ...many(val, 2), ...many(tested, 3))
  const sets = await open()
  expect([firstFolders(sets.train), firstFolders(sets.val), sets.notes]).toEqual([[train], [val], []])
  const notebook = await openNotebookSplit(folder.path, { val: 0.25 })
  expect(notebook.train.length + notebook.val.length).toBe(12)
})

test.each([['train', 'test'], ['Training', 'Testing'], ['train', 'test1'], ['seg_train', 'seg_test']])('of %s and %s the first is split, the other kept, and both are said', async (train, tested) => {
  await lay(...many(train), ...many(tested, 3))
  const note = `${folder.path} has no folder for the validation set: 25 % of ${train} becomes it. ${tested} is left for "torchgraft evaluate --split test".`
  for (const sets of [await open(), await openNotebookSplit(folder.path, { val: 0.25 })]) {
    expect([sets.train.length, sets.val.length, firstFolders(sets.train), firstFolders(sets.val)]).toEqual([6, 2, [train], [train]])
    expect(sets.notes).toContain(note)
  }
})

test('a test set without labels, as contests give it, does not become a class', async () => {
  await lay(...many('train'), 'test/1.jpg', 'test/2.jpg', 'sample_submission.csv')
  expect((await open()).classes).toEqual(['cat', 'dog'])
})

test('a lone training set is split, and that is said', async () => {
  await lay(...many('train'))
  const sets = await open()
  expect([sets.classes, sets.notes]).toEqual([['cat', 'dog'], [`${folder.path} has no folder for the validation set: 25 % of train becomes it.`]])
})

test('a folder that is named is taken for the validation set, before one that lies there', async () => {
  await lay(...many('data/train'), ...many('data/val', 2), ...many('data/valid', 1), ...many('other', 3))
  for (const sets of [await openTrainVal(join(folder.path, 'data'), { val: join(folder.path, 'other'), seed: 1 }), await openNotebookSplit(join(folder.path, 'data'), { val: join(folder.path, 'other') })]) {
    expect([firstFolders(sets.train), sets.val.length, sets.val.items.every(({ path }) => path.startsWith('../other/'))]).toEqual([['train'], 6, true])
  }
})

describe('words for sets that cannot be used are refused, with a command that works:', () => {
  test.each([
    ['two for the validation set', [...many('train'), ...many('val', 1), ...many('valid', 1)], /has several folders for the validation set: val and valid\. Choose one: torchgraft train (\S+)\/train --val \1\/val$/],
    ['two for the training set', [...many('Train'), ...many('train'), ...many('val', 1)], /several folders for the training set: Train and train\. Choose one: torchgraft train (\S+)\/Train --val \1\/val$/],
    ['none for the training set', [...many('val'), ...many('test', 1)], /no folder for the training set, only val and test\. Choose one: torchgraft train (\S+)\/val --val \1\/test$/],
    ['a lone test set', many('test'), /no folder for the training set, only test\. Choose one: torchgraft train \S+\/test$/],
  ])('%s', async (_, files, message) => {
    await lay(...files)
    for (const opening of [open, () => openNotebookSplit(folder.path, { val: 0.25 })]) {
      await expect(opening()).rejects.toMatchObject({ code: 'ERR_DATA_CLASSES', message: expect.stringMatching(message) })
    }
  })

  test('the commands do work', async () => {
    await lay(...many('Train'), ...many('train'), ...many('val', 1))
    const { classes, train, val } = await openTrainVal(join(folder.path, 'Train'), { val: join(folder.path, 'val'), seed: 1 })
    expect([classes, train.length, val.length]).toEqual([['cat', 'dog'], 8, 2])
  })

  test('no class folders in the training set', async () => {
    await lay('train/1.jpg', 'train/2.jpg', 'test/1.jpg')
    await expect(open()).rejects.toMatchObject({ code: 'ERR_DATA_EMPTY', message: expect.stringMatching(/^2 images lie in \S+\/train itself: put them in a folder for each class, as train\/CLASS\/IMAGE\.jpg$/) })
  })
})

describe('words for sets among other names', () => {
  test('are classes, where images lie in them', async () => {
    await lay(...many('.', 4, ['bus', 'car', 'train', 'test']))
    expect(await findSplits(folder.path)).toBeUndefined()
    expect((await open()).classes).toEqual(['bus', 'car', 'test', 'train'])
  })

  test('are sets, where class folders lie in them; what is beside them is told of', async () => {
    await lay(...many('train'), ...many('val', 1), ...many('unlabelled', 1), 'labels/1.txt')
    const { classes, notes } = await open()
    expect(classes).toEqual(['cat', 'dog'])
    expect(notes).toEqual(['Folders beside train that are no training, validation or test set passed over: unlabelled.'])
  })

  test('are sets, where the others hold no images', async () => {
    await lay(...many('train'), 'annotations/1.xml', 'docs/readme.txt')
    expect((await open()).classes).toEqual(['cat', 'dog'])
  })

  test('a single one with folders inside is a class, and that it may be a training set is said', async () => {
    await lay(...many('train'), 'extra/1.jpg', 'extra/2.jpg')
    const { classes, notes } = await open()
    expect(classes).toEqual(['extra', 'train'])
    expect(notes).toContainEqual(expect.stringMatching(/^The folder train is taken for a class, .* torchgraft train \S+\/train\.$/))
  })

  test('numbered folders are classes', async () => {
    await lay(...many('.', 4, ['dev1', 'dev2', 'test1', 'test2']))
    expect((await open()).classes).toEqual(['dev1', 'dev2', 'test1', 'test2'])
  })

  test('within the classes they are taken together, which is said', async () => {
    await lay(...many('cat', 3, ['train', 'test']), ...many('dog', 3, ['train', 'test']))
    const { classes, notes } = await open()
    expect(classes).toEqual(['cat', 'dog'])
    expect(notes).toEqual(['The folders test and train within the classes are taken together and split anew: for sets of your own, lay them out as train/CLASS/IMAGE.jpg.'])
  })
})

describe('a folder too high', () => {
  test.each([
    ['by one', many('flowers'), 'flowers'],
    ['by two', many('archive/flowers'), 'archive/flowers'],
    ['with sets further down', [...many('archive/train'), ...many('archive/valid')], 'archive'],
    ['within the training set', [...many('train/train'), ...many('test')], 'train/train'],
    ['beside what an archive of a Mac leaves', [...many('flowers'), '__MACOSX/flowers/cat/._0.jpg'], 'flowers'],
  ])('%s is told, with the one that was probably meant', async (_, files, meant) => {
    await lay(...files)
    await expect(open()).rejects.toMatchObject({ code: 'ERR_DATA_CLASSES', message: expect.stringMatching(new RegExp(`one class only, .*\\. Did you mean \\S+/${meant}\\?$`)) })
  })

  test('is not suspected where one class has all', async () => {
    await lay('only/1.jpg', 'only/2.jpg')
    await expect(open()).rejects.toMatchObject({ message: expect.not.stringContaining('Did you mean') })
  })
})

test('the library’s image folder takes no sets for classes, unless it is told to', async () => {
  await lay(...many('train'), ...many('valid', 1))
  await expect(ImageFolder.open(folder.path)).rejects.toMatchObject({ code: 'ERR_DATA_CLASSES', message: expect.stringMatching(/has folders for sets, train and valid, and not for classes: open one of them with within, such as '\S+\/train'$/) })
  expect((await ImageFolder.open(folder.path, { within: join(folder.path, 'train') })).classes).toEqual(['cat', 'dog'])
  expect((await ImageFolder.open(folder.path, { within: folder.path })).classes).toEqual(['train', 'valid'])
})

describe('a folder too low', () => {
  test('names the one above it', async () => {
    await lay(...many('flowers'))
    await expect(openTrainVal(join(folder.path, 'flowers/cat'), { val: 0.25, seed: 1 })).rejects.toMatchObject({
      code: 'ERR_DATA_EMPTY', message: expect.stringMatching(/^4 images lie in \S+\/flowers\/cat itself: put them in a folder for each class, .*name the folder above it: \S+\/flowers$/),
    })
  })
})

test('images beside the class folders are counted', async () => {
  await lay(...many('.'), 'cover.jpg', 'other.png')
  expect((await open()).notes).toEqual(['2 images passed over, in no class folder: move them into one.'])
})
