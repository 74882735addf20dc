import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findContradictions, contradictionNotes } from '../../../src/datasets/contradictions.js'
import { openNotebookSplit } from '../../../src/recipes/notebook/split.js'
import { openTrainVal } from '../../../src/datasets/train-val.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

type Folder = Awaited<ReturnType<typeof temporaryFolder>>
let folder: Folder
beforeEach(async () => (folder = await temporaryFolder()))
afterEach(() => folder[Symbol.asyncDispose]())

async function lay(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true })
    await writeFile(join(folder.path, path), content)
  }
}

const copies = (where: string, count: number, content?: string): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${where}/${i}.jpg`, content ?? `${where} ${i}`]))
const openers = {
  default: () => openTrainVal(folder.path, { val: 0.25, seed: 1 }), notebook: () => openNotebookSplit(folder.path, { val: 0.25 }),
}

describe.each(['default', 'notebook'] as const)('in the %s recipe', (recipe) => {
  const open = openers[recipe]

  test.each<[string, string]>([['classes', ''], ['sets', 'train/']])('images that are all one are refused as its copies, by name: in %s', async (_, side) => {
    for (const label of ['red', 'green', 'blue']) await lay({ ...copies(`${side}${label}`, 8, 'one'), ...(side === '' ? {} : copies(`val/${label}`, 2, 'one')) })
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_DATA_EMPTY', message: expect.stringMatching(
        /^All (24|30) images in \S+ are copies of one, under 3 labels: (\S+\/\d+\.jpg(, )?){3}\. Put different images there$/,
      ),
    })
  })

  test('the same image under two labels is named, with both paths', async () => {
    await lay({ ...copies('red', 6), ...copies('green', 6), ...copies('blue', 6), 'red/same.jpg': 'same', 'blue/twin.jpg': 'same' })
    const { contradictions, notes } = await open()
    expect(contradictions.map((images) => images.map(({ path, label }) => `${label}: ${path}`).sort())).toEqual([['blue: blue/twin.jpg', 'red: red/same.jpg']])
    expect(notes).toContainEqual(expect.stringMatching(/^The same image under different labels: (blue\/twin\.jpg and red\/same\.jpg|red\/same\.jpg and blue\/twin\.jpg)\. Keep the one that is right\.$/))
  })

  test('a class that is copies of one image is named', async () => {
    await lay({ ...copies('red', 6), ...copies('green', 6, 'one') })
    expect((await open()).notes).toContain('All images of a class are copies of one in 1 class: green.')
  })
})

test('a class that copies leave without a training image is named', async () => {
  await lay({ ...copies('red', 6), ...copies('green', 6, 'one') })
  expect((await openers.default()).notes).toContain('1 class without a training image, which cannot be learned: green.')
})

test('the same image in the training and the validation set under two labels is named', async () => {
  await lay({ ...copies('train/red', 4), ...copies('train/green', 4), ...copies('val/red', 2), 'val/green/x.jpg': 'train/red 0' })
  expect((await openers.default()).contradictions).toEqual([[{ path: 'train/red/0.jpg', label: 'red' }, { path: 'val/green/x.jpg', label: 'green' }]])
})

test('where copies leave a split empty, how many different images there are is said', async () => {
  await lay({ ...copies('red', 8, 'r'), ...copies('green', 8, 'g') })
  await expect(openers.default()).rejects.toMatchObject({ code: 'ERR_DATA_EMPTY', message: expect.stringContaining('gives 0 training images and 16 validation images (the 16 files hold 2 different images)') })
})

test('of many the first are told, and how many more there are', () => {
  const images = Array.from({ length: 8 }, (_, i) => [{ path: `a/${i}`, label: 'a', hash: `${i}` }, { path: `b/${i}`, label: 'b', hash: `${i}` }]).flat()
  const found = findContradictions(images)
  expect([found.length, contradictionNotes(found)[0]]).toEqual([8, 'The same image under different labels: a/0 and b/0; a/1 and b/1; a/2 and b/2; a/3 and b/3; a/4 and b/4; and 3 more. Keep the one that is right.'])
  expect(contradictionNotes(findContradictions(images.filter(({ label }) => label === 'a')))).toEqual([])
})
