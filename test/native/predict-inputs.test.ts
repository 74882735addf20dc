import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { writeModelFile } from '../../src/runs/model-file.js'
import { main } from '../../src/cli/main.js'
import { byteLength } from '../../src/formats/tensor.js'
import { loadAddon } from '../../src/addon/load.js'
import { Classifier } from '../../src/inference/classifier.js'
import { evaluateModel } from '../../src/inference/evaluate-model.js'
import { exportModel } from '../../src/inference/export-model.js'
import { summarize } from '../../src/inference/summarize.js'
import { openInitialWeights } from '../../src/models/weights/initial-weights.js'
import { collect, oneImage } from '../helpers/loader.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const METADATA = {
  formatVersion: 1, model: 'regnet_x_400mf', classes: ['a', 'b'], size: 32,
  resize: { shorterSide: 32, crop: 32, antialias: true, pad: null, orient: true, profile: true },
  mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25],
} as const

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const at = (name: string): string => join(folder.path, name)
const before = process.cwd()

beforeAll(async () => {
  folder = await temporaryFolder()
  process.chdir(folder.path)
  const tensors = new Map(loadAddon().describe('regnet_x_400mf', 2).tensors.map(({ name, dtype, shape }) => [name, { dtype, shape, data: new Uint8Array(byteLength(dtype, shape)) }]))
  for (const run of ['run', 'fresh', 'photos/a', 'photos/b']) await mkdir(run, { recursive: true })
  await writeModelFile('run/best.safetensors', { tensors, metadata: METADATA })
  for (const run of ['run', 'fresh']) await writeFile(`${run}/config.json`, '{}')
  await writeFile('photos/a/1.png', await oneImage())
  await writeFile('photos/b/1.png', await oneImage({ r: 200, g: 0, b: 0 }))
  await writeFile('photos/b/bad.jpg', 'this is no image')
})
afterAll(async () => {
  process.chdir(before)
  await folder[Symbol.asyncDispose]()
})

class Text extends Writable {
  text = ''
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

async function run(args: readonly string[], stdin: Readable & { readonly isTTY?: boolean } = Readable.from([])): Promise<{
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}> {
  const [stdout, stderr] = [new Text(), new Text()]
  const code = await main([...args, ...(args[0] === 'predict' ? ['--device', 'cpu', '--precision', 'fp32'] : [])], { stdout, stderr, stdin })
  return { code, stdout: stdout.text, stderr: stderr.text }
}

describe('a classifier', () => {
  test('takes an image by its path, its URL and its bytes, one by one and many at once', async () => {
    await using classifier = await Classifier.open('run', { device: 'cpu', precision: 'fp32' })
    const bytes = await readFile('photos/a/1.png')
    const images = ['photos/a/1.png', pathToFileURL(at('photos/a/1.png')), bytes, Uint8Array.from(bytes).buffer, new Blob([bytes])]
    const expected = await classifier.predict('photos/a/1.png')
    expect(expected.map(({ label }) => label)).toEqual(['a', 'b'])
    for (const image of images) expect(await classifier.predict(image)).toEqual(expected)
    expect(await collect(classifier.predictAll(images))).toEqual(images.map((image) => ({ image, predictions: expected })))
  })

  test('refuses what is no image by name, and tells of one among many without losing the others', async () => {
    await using classifier = await Classifier.open('run', { device: 'cpu' })
    await expect(classifier.predict(undefined as never)).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringMatching(/for image but received undefined$/) })
    await expect(classifier.predict('https://example.org/a.jpg')).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
    const results = await collect(classifier.predictAll(['photos/a/1.png', new Uint8Array(), 'photos/b/1.png', 7 as never], { batchSize: 2 }))
    expect(results.map(({ error }) => error?.message)).toEqual([undefined, expect.stringContaining('for images[1] but received none'), undefined, expect.stringContaining('for images[3] but received 7')])
  })

  test.each<[string, () => unknown]>([
    ['undefined', () => undefined],
    ['"photos/a/1.png"', () => 'photos/a/1.png'],
    ['a Buffer', () => Buffer.from('x')],
    ['a Blob', () => new Blob(['x'])],
    ['an object', () => ({})],
    ['a ReadStream', () => createReadStream('photos/a/1.png')],
    ['the URL', () => new URL('file:///a')],
  ])('refuses %s for many images', async (shown, make) => {
    await using classifier = await Classifier.open('run', { device: 'cpu' })
    await expect(collect(classifier.predictAll(make() as never))).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringContaining(`Expected an array or another iterable of images for images but received ${shown}`) })
  })
})

describe('a run folder stands for its best model', () => {
  test('wherever a model file is taken', async () => {
    await cp('run', 'other', { recursive: true })
    expect(await summarize({ model: 'other' })).toMatchObject({ model: 'regnet_x_400mf', classes: 2, size: 32 })
    expect(await evaluateModel({ model: pathToFileURL(at('other')), data: 'photos', device: 'cpu' })).toMatchObject({ count: 2, skipped: [{ path: 'b/bad.jpg', message: expect.stringMatching(/^it is not an image/) }] })
    expect(await exportModel({ model: 'other', format: 'onnx' })).toMatchObject({ file: 'other/best.onnx' })
    await using weights = await openInitialWeights('other')
    expect(weights.classes).toEqual(['a', 'b'])
  })

  test.each(['predict', 'evaluate', 'export', 'summary'])('%s says where a run has no best model yet, and where a folder is no run', async (command) => {
    const rest = { predict: ['photos/a/1.png'], evaluate: ['photos'], export: ['--format', 'pth'], summary: [] }[command] ?? []
    expect(await run([command, 'fresh', ...rest])).toEqual({ code: 1, stdout: '', stderr: 'torchgraft: fresh cannot be used as a model: the run in it has no best.safetensors yet, since none of its epochs has been scored\n' })
    expect(await run([command, 'photos', ...rest])).toEqual({ code: 1, stdout: '', stderr: 'torchgraft: photos cannot be used as a model: it is a folder without a best.safetensors, so not that of a run\n' })
  })
})

describe('torchgraft predict', () => {
  const piped = (): Readable => createReadStream('photos/a/1.png', { highWaterMark: 7 })

  test('- is an image from standard input, among others', async () => {
    const named = await run(['predict', 'run', 'photos/a/1.png', '--json'])
    const results = JSON.parse((await run(['predict', 'run', '-', 'photos/b/1.png', '--json'], piped())).stdout) as { image: string }[]
    expect(results).toEqual([{ ...(JSON.parse(named.stdout) as object[])[0], image: '-' }, expect.objectContaining({ image: 'photos/b/1.png' })])
    expect((await run(['predict', 'run', '-', '--csv', '--top-k', '1'], piped())).stdout).toMatch(/^image,label,probability\n-,a,0\.\d+\n$/)
    expect(await run(['predict', 'run', '-'], piped())).toMatchObject({ code: 0, stdout: expect.stringMatching(/^- {2}a [\d.]+ %, b [\d.]+ %\n$/) })
  })

  test('a named pipe is read as well, and a file: URL', async () => {
    if (spawnSync('mkfifo', ['pipe']).status !== 0) throw new Error('mkfifo is needed for this test')
    const [end] = await Promise.all([run(['predict', 'run', 'pipe']), readFile('photos/a/1.png').then((bytes) => writeFile('pipe', bytes))])
    expect(end).toMatchObject({ code: 0, stdout: expect.stringMatching(/^pipe {2}a /) })
    expect(await run(['predict', 'run', pathToFileURL(at('photos/a/1.png')).href])).toMatchObject({ code: 0, stdout: expect.stringMatching(/1\.png {2}a /) })
  })

  test.each<[string, readonly string[], () => Readable & { readonly isTTY?: boolean }, number, RegExp]>([
    ['nothing in it', ['-'], () => Readable.from([]), 1, /^torchgraft: Standard input cannot be read: it is empty$/],
    ['what is no image', ['-'], () => Readable.from([Buffer.from('text')]), 1, /^-: The image cannot be read: it is not an image in a known format/],
    ['a terminal', ['-'], () => Object.assign(Readable.from([]), { isTTY: true }), 2, /^torchgraft: - is an image from standard input, which is the terminal here: pipe one to it, as in npx torchgraft predict MODEL - < IMAGE\.jpg$/],
    ['two uses', ['-', '-'], piped, 2, /^torchgraft: Expected - once, since standard input can be read once, for IMAGES but received \["-", "-"\]$/],
  ])('of standard input with %s it says so', async (_, images, stdin, code, message) => {
    const end = await run(['predict', 'run', ...images], stdin())
    expect(end).toEqual({ code, stdout: '', stderr: expect.any(String) })
    expect(end.stderr.trimEnd()).toMatch(message)
  })

  test.each([
    ['https://example.org/a.jpg?x=1&y=2', "https://example.org/a.jpg?x=1&y=2 is an address, and torchgraft fetches no images: download it first, or pipe it: curl -L 'https://example.org/a.jpg?x=1&y=2' | npx torchgraft predict MODEL -"],
    ['s3://bucket/a.jpg', 's3://bucket/a.jpg is an address, and torchgraft fetches no images: download it first'],
  ])('%s is not fetched, and what to do instead is said before anything is opened', async (address, message) => {
    expect(await run(['predict', 'nothing', address])).toEqual({ code: 2, stdout: '', stderr: `torchgraft: ${message}\n` })
  })
})

test.each<[readonly string[], string]>([
  [['predict', 'run', 'photos/b/bad.jpg'], 'photos/b/bad.jpg'],
  [['predict', 'run', 'photos/none.jpg'], 'photos/none.jpg'],
  [['predict', 'run', 'photos/b'], 'photos/b/bad.jpg'],
  [['predict', 'none.safetensors', 'photos'], 'none.safetensors'],
  [['predict', 'run/config.json', 'photos'], 'run/config.json'],
  [['predict', 'none.onnx', 'photos'], 'none.onnx'],
  [['predict', 'none.pth', 'photos'], 'none.pth'],
  [['predict', 'run/best.safetensors/x', 'photos'], 'run/best.safetensors/x'],
  [['evaluate', 'run', 'photos'], 'b/bad.jpg'],
  [['evaluate', 'run', 'nowhere'], 'nowhere'],
  [['evaluate', 'run', 'run/config.json'], 'run/config.json'],
  [['inspect', 'none'], 'none'],
  [['inspect', 'photos'], 'photos'],
  [['inspect', 'run'], 'run/config.json'],
  [['summary', 'run/config.json'], 'run/config.json'],
  [['export', 'run/config.json', '--format', 'pth'], 'run/config.json'],
  [['export', 'run', '--format', 'pth', '--output', 'nowhere/x.pth'], 'nowhere/x.pth'],
  [['export', 'run', '--format', 'pth', '--output', 'run/config.json'], 'run/config.json'],
  [['train', 'nowhere'], 'nowhere'],
  [['train', 'photos', '--output', 'run/config.json/x'], 'run/config.json/x'],
  [['train', '--resume', '--output', 'fresh'], 'fresh/config.json'],
  [['train', '--resume', '--output', 'none'], 'none'],
  [['stats', 'photos', '--val', '0.5'], 'b/bad.jpg'],
  [['stats', 'nowhere'], 'nowhere'],
  [['train', 'photos', '--weights', 'run/config.json', '--output', 'never'], 'run/config.json'],
  [['export', 'run/best.safetensors', '--format', 'onnx', '--classes', 'none.txt'], 'none.txt'],
])('torchgraft %j names %s once', async (args, path) => {
  const { stdout, stderr } = await run(args)
  const told = `${stdout}${stderr}`.split('\n').filter((line) => line.includes(path))
  expect(told).toEqual([expect.any(String)])
  expect(told[0]?.split(path)).toHaveLength(2)
})
