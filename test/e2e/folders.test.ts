import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { type ChildEnd, runCli } from '../helpers/processes/child.js'
import { makeImages } from '../helpers/images/image-folder.js'

const SMALL = ['--size', '32', '--batch-size', '8', '--device', 'cpu', '--precision', 'fp32', '--threads', '1', '--epochs', '1']

let folder = ''
const at = (...path: string[]): string => join(folder, ...path)
const cli = (...args: readonly string[]): Promise<ChildEnd> => runCli(args, { cwd: folder })
const json = (text: string): unknown => JSON.parse(text) as unknown

/** Images of three colours in folders for sets, none in two of them. */
async function layOut(root: string, sets: Readonly<Record<string, number>>): Promise<void> {
  await makeImages(at('all'), Object.values(sets).reduce((sum, count) => sum + count))
  let first = 0
  for (const [side, count] of Object.entries(sets)) {
    for (const colour of ['blue', 'green', 'red']) {
      for (let i = first; i < first + count; i++) await cp(at('all', colour, `${i}.png`), at(root, side, colour, `${i}.png`))
    }
    first += count
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torchgraft-folders-'))
  await layOut('contest', { Train: 10, Test: 3 })
  await layOut('exported', { train: 8, valid: 3, test: 2 })
  await mkdir(at('contest/Train/red/@eaDir/0.png'), { recursive: true })
  await cp(at('all/red/1.png'), at('contest/Train/red/@eaDir/0.png/SYNOPHOTO_THUMB_M.png'))
  await writeFile(at('contest/Train/red/notes.txt'), 'notes')
  await cp(at('contest/Train/red/2.png'), at('contest/Train/blue/wrong.png'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const TOLD = [
  'contest has no folder for the validation set: 15 % of Train becomes it. Test is left for "torchgraft evaluate --split test".',
  'The same image under different labels: Train/blue/wrong.png and Train/red/2.png. Keep the one that is right.',
  '1 file passed over by its name: 1 .txt.',
  'Leftovers of systems and editors passed over: 1 @eaDir.',
]
/** However wide lines are. */
const flat = (text: string): string => text.replace(/\s+/g, ' ')

describe('a contest’s training and test set', () => {
  const model = 'runs/contest/best.safetensors'
  let trained: ChildEnd
  beforeAll(async () => {
    trained = await cli('train', 'contest', ...SMALL, '--json')
  })

  test('train: what is made of the folders, and what lies there besides, is said and counted', async () => {
    expect(trained.code).toBe(0)
    for (const line of TOLD) expect(flat(trained.stderr)).toContain(line)
    expect(json(trained.stdout)).toMatchObject({
      skippedImages: 0,
      passedOver: { endings: [{ ending: '.txt', count: 1 }], leftovers: [{ name: '@eaDir', count: 1 }], unclassed: 0 },
      contradictions: [[{ path: 'Train/blue/wrong.png', label: 'blue' }, { path: 'Train/red/2.png', label: 'red' }]],
    })
    const split = json(await readFile(at('runs/contest/split.json'), 'utf8')) as { classes: string[]; train: unknown[]; val: unknown[] }
    expect([split.classes, split.train.length + split.val.length]).toEqual([['blue', 'green', 'red'], 31])
  })

  test('stats: the same is said', async () => {
    const { code, stdout } = await cli('stats', 'contest')
    expect(code).toBe(0)
    for (const line of TOLD) expect(flat(stdout)).toContain(line)
    expect(stdout.split('\n').every((line) => line.length <= 80)).toBe(true)
    expect(json((await cli('stats', 'contest', '--json')).stdout)).toMatchObject({ count: 31, passedOver: { leftovers: [{ name: '@eaDir', count: 1 }] }, notes: TOLD.toSpliced(0, 0, expect.stringMatching(/^Exact duplicates: 1\./) as string) })
  })

  test('evaluate: the validation set is what was split off; the test set is there for the asking', async () => {
    const { train, val } = json(await readFile(at('runs/contest/split.json'), 'utf8')) as { train: unknown[]; val: unknown[] }
    const own = await cli('evaluate', model, 'contest', '--json')
    expect(json(own.stdout)).toMatchObject({ count: val.length, leftOut: train.length })
    expect(flat(own.stderr)).toContain('contest has no folder for the validation set: scored is what was split off Train. Test is the test set: it is scored where that split is asked for.')
    const test = await cli('evaluate', model, 'contest', '--split', 'test', '--json')
    expect(json(test.stdout)).toMatchObject({ count: 9, leftOut: 0 })
    expect(await cli('evaluate', model, 'contest', '--side', 'test', '--json')).toEqual(test) // its name until 0.2
  })

  test('evaluate: another contest’s test set is scored, since nothing tells what was split off there', async () => {
    await layOut('another', { training: 2, testing: 4 })
    const end = await cli('evaluate', model, 'another', '--all', '--json')
    expect(json(end.stdout)).toMatchObject({ count: 12 })
    expect(flat(end.stderr)).toContain('another has no folder for the validation set: scored is the test set, testing.')
  })

  test('evaluate: an image that was learned under another label is named, with both paths', async () => {
    await mkdir(at('mine/green'), { recursive: true })
    await cp(at('contest/Train/red/5.png'), at('mine/green/5.png'))
    await cp(at('all/green/12.png'), at('mine/green/12.png'))
    const end = await cli('evaluate', model, 'mine', '--all')
    expect(flat(end.stderr)).toContain('The same image under different labels: green/5.png and Train/red/5.png.')
  })

  test('predict: a folder’s leftovers are left out, its files counted by ending', async () => {
    const end = await cli('predict', model, 'contest/Train/red', '--json')
    expect((json(end.stdout) as unknown[]).length).toBe(10)
    expect(flat(end.stderr)).toContain('1 file passed over by its name: 1 .txt. Leftovers of systems and editors passed over: 1 @eaDir.')
    const none = await cli('predict', model, 'contest/Train/red/@eaDir/0.png', '--json')
    expect((json(none.stdout) as unknown[]).length).toBe(1) // what is named is meant
  })

  test('resume: a run from before endings were added goes on with its own images; one of now is refused', async () => {
    await cli('train', 'exported', '--output', 'runs/older', ...SMALL)
    await writeFile(at('exported/train/red/late.jfif'), await sharp(at('all/red/0.png')).negate().jpeg().toBuffer())
    expect(await cli('train', '--resume', '--output', 'runs/older', '--epochs', '2')).toMatchObject({ code: 1, stderr: expect.stringContaining('The images are not those') })
    const { listing: _, ...split } = json(await readFile(at('runs/older/split.json'), 'utf8')) as Record<string, unknown>
    await writeFile(at('runs/older/split.json'), JSON.stringify(split))
    const resumed = await cli('train', '--resume', '--output', 'runs/older', '--epochs', '2')
    expect([resumed.code, flat(resumed.stderr)]).toEqual([0, expect.stringContaining('goes on with the images that its split.json names')])
    await rm(at('exported/train/red/late.jfif'))
  })
})

describe('an exporter’s train, valid and test', () => {
  test('are sets for stats, preview and evaluate', async () => {
    const { classes } = json((await cli('stats', 'exported', '--json')).stdout) as { classes: unknown[] }
    expect(classes).toEqual(['blue', 'green', 'red'].map((label) => ({ label, train: 8, val: 3 })))
    const shown = json((await cli('preview', 'exported', '--count', '4', '--size', '32', '--json')).stdout) as { images: { path: string }[] }
    expect(shown.images.map(({ path }) => path.split('/')[0])).toEqual(['train', 'train', 'train', 'train'])
    const evaluate = ['evaluate', 'runs/contest/best.safetensors', 'exported', '--all', '--json']
    const counts = await Promise.all(['train', 'val', 'test'].map(async (split) => {
      const { stdout } = await cli(...evaluate, '--split', split)
      return (json(stdout) as { count: number }).count
    }))
    expect(counts).toEqual([24, 9, 6])
  })

  test('a split that is not there is refused by name, with what there is', async () => {
    await layOut('half', { train: 2, valid: 1 })
    expect(await cli('evaluate', 'runs/contest/best.safetensors', 'half', '--split', 'test')).toMatchObject({
      code: 1, stderr: expect.stringMatching(/half has no folder for the test set, only train and valid\. Choose one: torchgraft evaluate runs\/contest\/best\.safetensors half\/train/),
    })
  })
})
