import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import sharp from 'sharp'
import { statsCommand } from '../../src/cli/commands/stats.js'
import { ImageFolder } from '../../src/datasets/image-folder.js'
import { openNotebookSplit } from '../../src/recipes/notebook/split.js'
import { openTrainVal } from '../../src/datasets/train-val.js'
import { dataStatistics, type DataStatisticsOptions } from '../../src/explore/data-statistics.js'
import { statisticsText } from '../../src/report/statistics.js'
import { decideMeanStd } from '../../src/recipes/notebook/mean-std.js'
import { makeImages } from '../helpers/images/image-folder.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

type Folder = Awaited<ReturnType<typeof temporaryFolder>>
let folder: Folder
const at = (...names: readonly string[]): string => join(folder.path, ...names)
beforeEach(async () => (folder = await temporaryFolder()))
afterEach(() => folder[Symbol.asyncDispose]())

async function oneImage(path: string, colour: readonly [number, number, number], width = 8, height = 8): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true })
  const [r, g, b] = colour
  await sharp({ create: { width, height, channels: 3, background: { r, g, b } } }).png().toFile(path)
}

describe('the default recipe', () => {
  test('counts classes on the sets that a run has', async () => {
    await makeImages(folder.path, 10, 16)
    const { classes, count, imbalance, faults } = await dataStatistics({ data: folder.path, val: 0.3 })
    const sets = await openTrainVal(folder.path, { val: 0.3, seed: 1 })
    const of = (items: ImageFolder['items'], label: number) => items.filter((item) => item.label === label).length
    expect(classes).toEqual(['blue', 'green', 'red'].map((label, i) => ({ label, train: of(sets.train.items, i), val: of(sets.val.items, i) })))
    expect(classes[0]).toEqual({ label: 'blue', train: 7, val: 3 })
    expect([count, imbalance, faults]).toEqual([30, 1, []])
  })

  test('every training image counts alike, however large; the validation set does not', async () => {
    await oneImage(at('train', 'a', '1.png'), [255, 51, 0], 4, 2)
    await oneImage(at('train', 'b', '1.png'), [0, 51, 102], 300, 200)
    await oneImage(at('val', 'a', '1.png'), [77, 77, 77], 50, 50)
    const { mean, std, sizes, imbalance, classes } = await dataStatistics({ data: folder.path })
    expect(mean.map((value) => value.toFixed(9))).toEqual(['0.500000000', '0.200000000', '0.200000000'])
    expect(std.map((value) => value.toFixed(6))).toEqual(['0.500000', '0.000000', '0.200000'])
    expect(sizes).toEqual({ width: [4, 50, 300], height: [2, 50, 200] })
    expect([imbalance, classes]).toEqual([2, [{ label: 'a', train: 1, val: 1 }, { label: 'b', train: 1, val: 0 }]])
  })

  test('the same as adding up all pixels of an image larger than what is added up in one turn', async () => {
    const [width, height] = [700, 500]
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919 + (i >> 9) * 31) % 256)
    await mkdir(at('train', 'a'), { recursive: true })
    await sharp(data, { raw: { width, height, channels: 3 } }).png().toFile(at('train', 'a', '1.png'))
    await oneImage(at('val', 'a', '1.png'), [1, 2, 3])
    await mkdir(at('train', 'b'))
    await sharp(data, { raw: { width, height, channels: 3 } }).png().toFile(at('train', 'b', '1.png'))
    const { mean, std } = await dataStatistics({ data: folder.path })
    for (const c of [0, 1, 2]) {
      const channel = Array.from(data.filter((_, i) => i % 3 === c), (value) => value / 255)
      const average = channel.reduce((a, b) => a + b) / channel.length
      expect(mean[c]).toBeCloseTo(average, 10)
      expect(std[c]).toBeCloseTo(Math.sqrt(channel.reduce((sum, value) => sum + (value - average) ** 2, 0) / channel.length), 10)
    }
  })

  test('images are turned upright; in the notebook’s recipe they lie as they are stored', async () => {
    for (const label of ['a', 'b']) {
      await mkdir(at(label))
      for (const i of [1, 2]) await sharp({ create: { width: 20, height: 10, channels: 3, background: { r: i * 40, g: 9, b: label === 'a' ? 9 : 200 } } }).withMetadata({ orientation: 6 }).jpeg().toFile(at(label, `${i}.jpg`))
    }
    expect((await dataStatistics({ data: folder.path, val: 0.5 })).sizes).toEqual({ width: [10, 10, 10], height: [20, 20, 20] })
    expect((await dataStatistics({ data: folder.path, val: 0.5, recipe: 'notebook', size: 32 })).sizes).toEqual({ width: [20, 20, 20], height: [10, 10, 10] })
  })
})

describe('the notebook’s recipe', () => {
  test('has the sets, the mean and the standard deviation of a run, to the last bit, broken images or not', async () => {
    await makeImages(folder.path, 30, 24)
    const places = ['blue/3.png', 'green/11.png', 'red/7.png']
    for (const broken of [false, true]) {
      if (broken) for (const place of places) await writeFile(at(place), `no image ${place}`)
      const sets = await openNotebookSplit(folder.path, { val: 0.2 })
      const expected = await decideMeanStd(sets.train, { batchSize: 64, size: 33, meanStd: 'data', strictImages: false })
      const { mean, std, count, classes, faults } = await dataStatistics({ data: folder.path, recipe: 'notebook', size: 33, val: 0.2 })
      expect({ mean, std }).toEqual(expected)
      expect([count, faults.map(({ path }) => path)]).toEqual(broken ? [87, places] : [90, []])
      const lost = broken ? sets.train.items.filter(({ path }) => places.includes(path)).length : 0
      expect(classes.reduce((sum, { train }) => sum + train, 0)).toBe(72 - lost)
    }
  })

  test('with fewer than 64 training images these are one batch', async () => {
    await makeImages(folder.path, 5, 12)
    const sets = await openNotebookSplit(folder.path, { val: 0.2 })
    const expected = await decideMeanStd(sets.train, { batchSize: 12, size: 32, meanStd: 'data', strictImages: false })
    const { mean, std } = await dataStatistics({ data: folder.path, recipe: 'notebook', size: 32, val: 0.2 })
    expect({ mean, std }).toEqual(expected)
  })
})

test('where all pixels of a channel are alike, its standard deviation is 0', async () => {
  for (const label of ['a', 'b']) for (const i of [1, 2]) await oneImage(at(label, `${i}.png`), [i * 100, 0, 77])
  for (const recipe of ['default', 'notebook'] as const) {
    const { mean, std } = await dataStatistics({ data: folder.path, recipe, val: 0.5, size: 32 })
    expect([mean[1], std[1]]).toEqual([0, 0])
    expect(std[2]).toBeLessThan(0.001)
  }
})

describe('faults', () => {
  test('are told with their reasons, once, sorted; a class of nothing else has 0 images', async () => {
    await makeImages(at('data'), 4, 8)
    await mkdir(at('data', 'ruin'))
    await oneImage(at('elsewhere', 'far.png'), [1, 2, 3])
    await writeFile(at('data', 'ruin', 'text.jpg'), 'no image')
    await writeFile(at('data', 'ruin', 'empty.png'), '')
    await writeFile(at('data', 'red', 'phone.heic'), 'heic')
    await symlink(at('elsewhere', 'far.png'), at('data', 'blue', 'far.png'))
    const { classes, count, imbalance, faults } = await dataStatistics({ data: at('data') })
    expect(classes.find(({ label }) => label === 'ruin')).toEqual({ label: 'ruin', train: 0, val: 0 })
    expect([count, imbalance]).toEqual([12, null])
    expect(faults).toEqual([
      { path: 'blue/far.png', code: 'ERR_IMAGE_DECODE', message: 'a link that leads out of the folder: not followed, unless you choose to follow links' },
      { path: 'red/phone.heic', code: 'ERR_IMAGE_DECODE', message: expect.stringMatching(/^HEIC images cannot be read: convert it to JPEG/) },
      { path: 'ruin/empty.png', code: 'ERR_IMAGE_DECODE', message: 'it is empty' },
      { path: 'ruin/text.jpg', code: 'ERR_IMAGE_DECODE', message: 'it is not an image in a known format (JPEG, PNG, WebP, TIFF, GIF, AVIF)' },
    ])
    expect((await dataStatistics({ data: at('data'), followLinks: true })).count).toBe(13)
  })

  test('nothing but faults is an error that tells of them', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      await mkdir(at(name))
      for (const i of [1, 2]) await writeFile(at(name, `${i}.jpg`), name + String(i))
    }
    for (const recipe of ['default', 'notebook'] as const) {
      await expect(dataStatistics({ data: folder.path, recipe, val: 0.4, size: 32 })).rejects.toMatchObject({
        code: 'ERR_DATA_EMPTY', message: expect.stringMatching(/^No training image in .* can be read \(4 tried\), so there is nothing to learn from \([abcd]\/\d\.jpg: it is not an image in .*; …\)\. Replace them$/),
      })
    }
  })
})

test.each<[string, Partial<DataStatisticsOptions>, string, RegExp]>([
  ['no folder', { data: '' }, 'ERR_ARGUMENT', /a folder of images for data but received ""/],
  ['a folder that is not there', { data: '/nonexistent' }, 'ERR_DATA_EMPTY', /there is no such folder/],
  ['another recipe', { recipe: 'other' as 'default' }, 'ERR_ARGUMENT', /default, notebook for recipe/],
  ['a size too small', { size: 8 }, 'ERR_ARGUMENT', /for size but received 8/],
])('%s is refused', async (_, options, code, message) => {
  await expect(dataStatistics({ data: folder.path, ...options })).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
})

test('an abort rejects with its reason', async () => {
  await makeImages(folder.path, 4, 8)
  const controller = new AbortController()
  const reason = new Error('enough')
  await expect(dataStatistics({
    data: folder.path, signal: controller.signal, onProgress: ({ done }) => done === 3 && controller.abort(reason),
  })).rejects.toBe(reason)
})

describe('torchgraft stats', () => {
  const run = async (...args: readonly string[]): Promise<{
    readonly code: number | undefined
    readonly stdout: string
    readonly stderr: string
  }> => {
    const end = { code: undefined as number | undefined, stdout: '', stderr: '' }
    const into = (name: 'stdout' | 'stderr', tty: boolean) =>
      Object.assign(new Writable({ write: (chunk: Buffer, _, done) => (end[name] += chunk.toString(), done()) }), { isTTY: tty })
    await statsCommand({ stdout: into('stdout', false), stderr: into('stderr', true) }, (code) => (end.code = code)).exitOverride().parseAsync(args, { from: 'user' })
    return end
  }

  test('prints the report, with its progress on stderr', async () => {
    await makeImages(folder.path, 4, 8)
    const { code, stdout, stderr } = await run(folder.path, '--val', '0.25')
    expect([code, stdout]).toEqual([0, statisticsText(await dataStatistics({ data: folder.path, val: 0.25 }))])
    expect(stderr).toMatch(/: 5 of 12\r\u001b\[2K/) // eslint-disable-line no-control-regex -- a live line
  })

  test('prints one JSON value with --json, for each recipe', async () => {
    await makeImages(folder.path, 4, 8)
    await rm(at('red'), { recursive: true })
    for (const [recipe, more] of [['default', ['--seed', '3']], ['notebook', ['--size', '40', '--no-follow-links']]] as const) {
      const { code, stdout } = await run(folder.path, '--recipe', recipe, ...more, '--json')
      expect([code, Object.keys(JSON.parse(stdout) as object)]).toEqual([0, ['classes', 'count', 'imbalance', 'sizes', 'faults', 'passedOver', 'contradictions', 'notes', 'mean', 'std']])
      expect(JSON.parse(stdout)).toEqual(await dataStatistics({ data: folder.path, recipe, ...(recipe === 'default' ? { seed: 3 } : { size: 40, followLinks: false }) }))
    }
  })
})
