import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RunSplit } from '../../../src/runs/run-folder.js'
import { openTrainVal } from '../../../src/datasets/train-val.js'
import { trainValOfRun, splitOf } from '../../../src/train/resume/splits.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'

type Folder = Awaited<ReturnType<typeof temporaryFolder>>
let folder: Folder
beforeEach(async () => (folder = await temporaryFolder()))
afterEach(() => folder[Symbol.asyncDispose]())

const at = (path: string): string => join(folder.path, path)
const lay = async (path: string, content = path): Promise<void> =>
  (await mkdir(dirname(at(path)), { recursive: true }), writeFile(at(path), content))
const open = (): ReturnType<typeof openTrainVal> => openTrainVal(at('data'), { val: 0.25, seed: 1 })
const resumed = (): ReturnType<typeof openTrainVal> => trainValOfRun(at('run'), at('data'), open)

/** A run, as one left it that knew no rules of listing but its own. */
async function begin(change: (split: RunSplit) => RunSplit = (split) => split): Promise<RunSplit> {
  for (const label of ['a', 'b']) for (let i = 0; i < 8; i++) await lay(`data/${label}/${i}.jpg`)
  const { listing: _, ...split } = splitOf(1, await open())
  const changed = change(split)
  await lay('run/split.json', JSON.stringify(changed))
  return changed
}

test('an older run whose folder is listed as then goes on without a word', async () => {
  const before = await begin()
  const sets = await resumed()
  expect([splitOf(1, sets), sets.notes]).toEqual([{ ...before, listing: 2 }, []])
})

test.each(['data/a/9.jfif', 'data/b/bare'])('an older run goes on with the images that it began with, where the folder now gives %s besides', async (path) => {
  const before = await begin()
  await lay(path, Buffer.from('ffd8ff', 'hex').toString('latin1') + path)
  await writeFile(at(path), Buffer.concat([Buffer.of(0xff, 0xd8, 0xff), Buffer.from(path)]))
  const sets = await resumed()
  const { train, val } = splitOf(1, sets)
  expect([train, val]).toEqual([before.train, before.val])
  expect(sets.notes).toEqual(['Folders were listed otherwise when this run began: it goes on with the images that its split.json names.'])
})

test('an older run that took words for sets as its classes goes on so', async () => {
  for (const side of ['train', 'valid']) for (const label of ['a', 'b']) for (let i = 0; i < 4; i++) await lay(`data/${side}/${label}/${i}.jpg`)
  const now = await open()
  const items = [...splitOf(1, now).train, ...splitOf(1, now).val].map((item) => ({ ...item, label: item.path.split('/')[0]! }))
  await lay('run/split.json', JSON.stringify({ formatVersion: 1, seed: 1, classes: ['train', 'valid'], train: items.slice(0, 12), val: items.slice(12) }))
  const sets = await resumed()
  expect([sets.classes, sets.train.length, sets.val.length]).toEqual([['train', 'valid'], 12, 4])
})

test.each(['changed', 'gone'])('an older run with an image that is %s is left to whoever compares, as a newer one is', async (what) => {
  await begin()
  if (what === 'gone') await rm(at('data/a/3.jpg'))
  else await lay('data/a/3.jpg', 'another')
  expect(splitOf(1, await resumed())).toEqual(splitOf(1, await open()))
})

test('a run of now is held to the folder as it is now', async () => {
  await begin((split) => ({ ...split, listing: 2 }))
  await lay('data/a/9.jfif')
  expect((await resumed()).train.length + (await resumed()).val.length).toBe(17)
})
