import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import sharp from 'sharp'
import { previewCommand } from '../../src/cli/commands/preview.js'
import { canDraw, contactSheet, layOut, MAX_SIDE, toTile } from '../../src/explore/contact-sheet.js'
import { preview, type PreviewOptions } from '../../src/explore/preview.js'
import { renderBatch } from '../../src/session/render-batch.js'
import type { RecipeName } from '../../src/recipes/options.js'
import { resolveOptions } from '../../src/train/options/resolve.js'
import { RECIPE_OF } from '../../src/recipes/by-name.js'
import { makeImages } from '../helpers/images/image-folder.js'
import { skip } from '../helpers/skip.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const at = (...names: readonly string[]): string => join(folder.path, ...names)
beforeEach(async () => (folder = await temporaryFolder()))
afterEach(() => folder[Symbol.asyncDispose]())

const FONTS = await canDraw('A', 'B')
const GAP = 8
const STRIP = 18

/** The RGB pixels of a place on a sheet. */
async function cutOut(file: string, left: number, top: number, width: number, height: number): Promise<Buffer> {
  return sharp(file).extract({ left, top, width, height }).raw().toBuffer()
}

/** What training itself makes of an epoch's first images, in its batches. */
async function trainingImages(data: string, recipe: RecipeName, epoch: number, batchSize: number, seed: number) {
  const resolved = resolveOptions({ recipe, weights: null, size: 128, progressiveResizing: false, batchSize, seed, val: 0.3 })
  const sets = await RECIPE_OF[recipe].openTrainVal(data, resolved)
  await using loaders = RECIPE_OF[recipe].loaders(resolved, sets, { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] })
  const found: { readonly path: string; readonly pixels: Float32Array }[] = []
  for await (const batch of loaders.train.epoch(epoch)) {
    const pixels = await renderBatch({ ...batch, images: { ...batch.images, mean: [0, 0, 0], std: [1, 1, 1] } })
    for (const [i, index] of batch.indices.entries()) {
      found.push({ path: sets.train.name(index), pixels: pixels.subarray(i * 128 * 128 * 3, (i + 1) * 128 * 128 * 3) })
    }
  }
  return found
}

describe.each(['default', 'notebook'] as const)('the %s recipe', (recipe) => {
  test.each([[1, 1], [3, 9]])('shows the very images that epoch %d holds, in order, with their labels', async (epoch, seed) => {
    await makeImages(at('data'), 12)
    await writeFile(at('data', 'green', '5.png'), 'no image')
    const expected = (await trainingImages(at('data'), recipe, epoch - 1, 8, seed)).slice(0, 11)
    const { file, images, columns } = await preview({ data: at('data'), output: at('sheet.png'), recipe, count: 11, epoch, seed, size: 128, val: 0.3 })
    expect([file, columns]).toEqual([at('sheet.png'), 5])
    expect(images).toEqual(expected.map(({ path }) => ({ path, label: path.split('/')[0] })))
    expect(await sharp(file).metadata()).toMatchObject({ format: 'png', channels: 3, width: GAP + 5 * (128 + GAP), height: GAP + 3 * (128 + STRIP + GAP) })
    for (const [i, { pixels }] of expected.entries()) {
      const tile = await cutOut(file, GAP + (i % 5) * (128 + GAP), GAP + Math.floor(i / 5) * (128 + STRIP + GAP), 128, 128)
      expect(Math.max(...tile.map((value, j) => Math.abs(value - Math.round(pixels[j]! * 255))))).toBeLessThanOrEqual(1)
    }
  })

  test('another epoch is augmented in another way', async () => {
    await makeImages(at('data'), 3)
    const [first, again, second] = await Promise.all([[1, 'a.png'], [1, 'b.png'], [2, 'c.png']].map(async ([epoch, name]) => readFile((await preview({ data: at('data'), output: at(name as string), recipe, epoch: epoch as number, size: 64, val: 0.3 })).file)))
    expect(again!.equals(first!)).toBe(true)
    expect(second!.equals(first!)).toBe(false)
  })

  test('of a small folder it shows what there is, and tells what is broken', async () => {
    await makeImages(at('data'), 2)
    for (const colour of ['blue', 'green', 'red']) await writeFile(at('data', colour, 'broken.png'), colour)
    const { images, skipped } = await preview({ data: at('data'), output: at('sheet.png'), recipe, size: 32, val: 0.2 })
    const sets = await RECIPE_OF[recipe].openTrainVal(at('data'), resolveOptions({ recipe, weights: null, val: 0.2 }))
    expect(new Set(images.map(({ path }) => path))).toEqual(new Set(sets.train.items.map(({ path }) => path).filter((path) => !path.includes('broken'))))
    expect(images.length + skipped.length).toBe(sets.train.length)
    expect(skipped.every(({ path }) => path.endsWith('broken.png'))).toBe(true)
  })
})

describe('labels', () => {
  if (!FONTS) return skip('labels', 'this system has no font')
  const tile = (value: number, side: number) => new Uint8Array(side * side * 3).fill(value)
  const strip = async (png: Buffer, column: number, side: number) =>
    sharp(png).extract({ left: GAP + column * (side + GAP), top: GAP + side, width: side, height: STRIP }).greyscale().raw().toBuffer()

  test.each<[string, string, boolean]>([
    ['markup is text', '<tspan fill="red">x</tspan>', true], ['an entity is text', '&lt;', true], ['a section is text', ']]><![CDATA[', true], ['an image inside is text', '<image href="file:///etc/hostname"/>', true],
    ['control characters', '\u0000\u001b[31m\u0008', true], ['what XML has no place for', '\ufffe\uffff', true], ['half a letter', '\ud83c', true], ['spaces leave no mark', '   ', false],
  ])('%s', async (_, label, marked) => {
    const side = 300
    const { png, labelled } = await contactSheet([{ tile: tile(9, side), label }, { tile: tile(200, side), label: 'plain' }], { columns: 2, tile: side })
    expect(labelled).toBe(true)
    expect(Math.min(...await strip(png, 0, side)) < 128).toBe(marked)
    expect(Math.min(...await strip(png, 1, side))).toBeLessThan(128)
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true })
    const colours = Array.from({ length: data.length / 3 }, (_, i) => {
      const pixel = data.subarray(i * 3, i * 3 + 3)
      return Math.max(...pixel) - Math.min(...pixel)
    })
    expect([info.channels, Math.max(...colours.slice(0, 5000), ...colours.slice(-30_000))]).toEqual([3, 0]) // nothing of it is red
  })

  test('a long label ends under its own image', async () => {
    const side = 128
    for (const letter of ['W', '図', 'e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308']) {
      const long = await contactSheet([{ tile: tile(9, side), label: letter.repeat(90) }, { tile: tile(200, side), label: '' }, { tile: tile(100, side), label: '' }], { columns: 2, tile: side })
      expect(Math.min(...await strip(long.png, 0, side))).toBeLessThan(128)
      expect(Math.min(...await strip(long.png, 1, side))).toBe(255)
      const gap = await sharp(long.png).extract({ left: GAP + side, top: 0, width: GAP, height: 2 * (GAP + side + STRIP) }).raw().toBuffer()
      const below = await sharp(long.png).extract({ left: 0, top: GAP + side + STRIP, width: GAP + side, height: GAP }).raw().toBuffer()
      expect(Math.min(...gap, ...below)).toBe(255)
    }
  })

  test('are there only where letters can be told apart', async () => {
    expect([await canDraw('A', 'B'), await canDraw('A', 'A'), await canDraw(' ', '\u3000')]).toEqual([true, false, false])
  })
})

describe('a contact sheet', () => {
  test('never grows beyond its bounds, and its images are at their own size where there is room', () => {
    for (let count = 1; count <= 400; count++) {
      for (const size of [32, 100, 224, 800, 2048]) {
        const { columns, tile: side } = layOut(count, size)
        expect(GAP + columns * (side + GAP)).toBeLessThanOrEqual(MAX_SIDE)
        expect(GAP + Math.ceil(count / columns) * (side + STRIP + GAP)).toBeLessThanOrEqual(MAX_SIDE)
        expect(side).toBeGreaterThanOrEqual(100)
      }
    }
    expect([layOut(24, 224), layOut(24, 32), layOut(1, 2048), layOut(400, 224)]).toEqual([
      { columns: 6, tile: 224 }, { columns: 6, tile: 128 }, { columns: 1, tile: 2048 }, { columns: 25, tile: 155 },
    ])
  })

  test('small images are enlarged by whole pixels, large ones made smaller', async () => {
    const pixels = Float32Array.from({ length: 2 * 2 * 3 }, (_, i) => Math.floor(i / 3) / 4)
    const enlarged = await toTile(pixels, 2, 6)
    const quarters = Array.from({ length: 36 }, (_, i) => [0, 64, 128, 191][2 * Math.floor(i / 18) + Math.floor((i % 6) / 3)])
    expect(Array.from({ length: 36 }, (_, i) => enlarged[i * 3])).toEqual(quarters)
    expect([...await toTile(new Float32Array(8 * 8 * 3).fill(0.5), 8, 2)]).toEqual(Array.from({ length: 12 }, () => 128))
  })
})

describe('what is refused', () => {
  beforeEach(() => makeImages(at('data'), 3, 8))

  test('a file that is there, which stays as it was', async () => {
    await writeFile(at('sheet.png'), 'mine')
    await symlink(at('nowhere'), at('link.png'))
    for (const name of ['sheet.png', 'link.png']) {
      await expect(preview({ data: at('data'), output: at(name), size: 32 })).rejects.toMatchObject({ code: 'ERR_WRITE', path: at(name), message: expect.stringMatching(/exists, and is not replaced: remove it, or choose another output$/) })
    }
    expect(await readFile(at('sheet.png'), 'utf8')).toBe('mine')
  })

  test('a folder that is not there, with nothing left behind', async () => {
    await expect(preview({ data: at('data'), output: at('no', 'sheet.png'), size: 32 })).rejects.toMatchObject({ code: 'ERR_WRITE' })
    expect(await readdir(folder.path)).toEqual(['data'])
  })

  test('images of which none can be read', async () => {
    for (const colour of ['blue', 'green', 'red']) for (const i of [0, 1, 2]) await writeFile(at('data', colour, `${i}.png`), colour + String(i))
    await expect(preview({ data: at('data'), output: at('sheet.png') })).rejects.toMatchObject({ code: 'ERR_DATA_EMPTY', message: expect.stringMatching(/^No training image in .* can be read \(6 tried\): "torchgraft stats"/) })
    expect(await readdir(folder.path)).toEqual(['data'])
  })

  test.each<[string, Partial<PreviewOptions>, RegExp]>([
    ['another kind of file', { output: 'sheet.jpg' }, /a file name that ends in \.png for output but received "sheet\.jpg"/],
    ['no images', { count: 0 }, /an integer from 1 to 400 for count but received 0/],
    ['too many images', { count: 401 }, /for count but received 401/],
    ['an epoch before the first', { epoch: 0 }, /for epoch but received 0/],
    ['no folder', { data: '' }, /a folder of images for data/],
    ['a size too large', { size: 4096 }, /for size but received 4096/],
  ])('%s', async (_, options, message) => {
    await expect(preview({ data: at('data'), output: at('sheet.png'), ...options })).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) })
  })

  test('an abort rejects with its reason, and writes nothing', async () => {
    const reason = new Error('enough')
    await expect(preview({ data: at('data'), output: at('sheet.png'), size: 32, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(await readdir(folder.path)).toEqual(['data'])
  })
})

describe('torchgraft preview', () => {
  const run = async (...args: readonly string[]): Promise<{
    readonly code: number | undefined
    readonly stdout: string
    readonly stderr: string
  }> => {
    const end = { code: undefined as number | undefined, stdout: '', stderr: '' }
    const into = (name: 'stdout' | 'stderr'): Writable =>
      new Writable({ write: (chunk: Buffer, _, done) => (end[name] += chunk.toString(), done()) })
    await previewCommand({ stdout: into('stdout'), stderr: into('stderr') }, (code) => (end.code = code)).exitOverride().parseAsync(args, { from: 'user' })
    return end
  }

  test('prints the file’s name', async () => {
    await makeImages(at('data'), 3, 8)
    expect(await run(at('data'), '--output', at('sheet.png'), '--size', '32')).toEqual({ code: 0, stdout: `${at('sheet.png')}\n`, stderr: FONTS ? '' : expect.stringMatching(/^The sheet has no labels, since this system has no font\. They are, row by row:\n {2}1 {2}(blue|green|red), /) })
    expect((await sharp(at('sheet.png')).metadata()).format).toBe('png')
  })

  test('prints file and images with --json, and broken images on stderr', async () => {
    await mkdir(at('data'))
    await makeImages(at('data', 'train'), 2, 8)
    await makeImages(at('data', 'val'), 1, 8)
    await writeFile(at('data', 'train', 'red', '1.png'), 'no image')
    const { code, stdout, stderr } = await run(at('data'), '--output', at('sheet.png'), '--size', '32', '--epoch', '2', '--json')
    const { file, images } = JSON.parse(stdout) as { file: string; images: { path: string; label: string }[] }
    expect([code, Object.keys(JSON.parse(stdout) as object), file]).toEqual([0, ['file', 'images'], at('sheet.png')])
    expect(images.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(['blue/0', 'blue/1', 'green/0', 'green/1', 'red/0'].map((name) => ({ path: `train/${name}.png`, label: name.split('/')[0] })))
    expect(stderr).toMatch(/^Left out train\/red\/1\.png: it is not an image/)
  })
})
