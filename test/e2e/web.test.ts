/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { existsSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { ImagePrediction } from '../../src/inference/classifier.js'
import { ROOT, runCli, runNode } from '../helpers/processes/child.js'
import { contrasts } from '../helpers/contrasts.js'
import { imagesAlike, imagesApart } from '../helpers/images/page-images.js'
import { COLOURS, makeImages } from '../helpers/images/image-folder.js'
import { skip } from '../helpers/skip.js'
import { serveFolder } from '../helpers/processes/static-server.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const MODEL = 'runs/flowers/best.safetensors'
const browserPath = [process.env['TORCHGRAFT_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path !== undefined && existsSync(path))

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const at = (...parts: string[]): string => join(folder.path, ...parts)
const cli = (args: readonly string[], env = process.env): ReturnType<typeof runCli> => runCli(args, { cwd: folder.path, env })

beforeAll(async () => {
  folder = await temporaryFolder()
  await makeImages(at('flowers'), 14)
  // What the README has a stranger type, on small images.
  const train = await cli(['train', 'flowers', '--epochs', '2', '--size', '64', '--batch-size', '8', '--threads', '1', '--precision', 'fp32'])
  expect(train).toMatchObject({ code: 0 })
  const end = await cli(['export', MODEL, '--format', 'web', '--output', 'page'])
  expect(end).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^page {2}\d+\.\d MB\n/) })
  expect(await cli(['export', MODEL, '--format', 'onnx'])).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^runs\/flowers\/best\.onnx {2}15\.\d MB\n$/) })
}, 180_000)
afterAll(() => folder[Symbol.asyncDispose]())

type Probabilities = ReadonlyMap<string, number>

async function predictions(model: string, files: readonly string[], env = process.env): Promise<ReadonlyMap<string, Probabilities>> {
  const end = await cli(['predict', model, ...files, '--json', '--top-k', '3', ...(model.endsWith('.onnx') ? [] : ['--precision', 'fp32'])], env)
  expect(end).toMatchObject({ code: 0, stderr: '' })
  const found = JSON.parse(end.stdout) as ImagePrediction<string>[]
  const byLabel = (all: (typeof found)[number]['predictions']): Probabilities => new Map(all.map(({ label, probability }) => [label, probability]))
  return new Map(found.map(({ image, predictions: all }) => [basename(image), byLabel(all)]))
}

const furthest = (a: ReadonlyMap<string, number> | undefined, b: ReadonlyMap<string, number> | undefined): number =>
  a === undefined || a.size !== b?.size
    ? Infinity
    : Math.max(...[...a].map(([label, probability]) => Math.abs(probability - (b.get(label) ?? Infinity))))

describe('the folder of a page', () => {
  test('holds the page, the model and onnxruntime, and no more', async () => {
    expect((await readdir(at('page'), { recursive: true })).filter((name) => !name.endsWith('.js')).sort()).toEqual([
      'index.html', 'model.json', 'model.onnx', 'onnxruntime', 'onnxruntime/ort-wasm-simd-threaded.mjs', 'onnxruntime/ort-wasm-simd-threaded.wasm', 'onnxruntime/ort.wasm.min.mjs', 'resample', 'stored', 'style.css',
    ])
    const scripts = (await readdir(join(ROOT, 'web'), { recursive: true })).filter((name) => name.endsWith('.js'))
    expect(await readdir(at('page'), { recursive: true })).toEqual(expect.arrayContaining(scripts))
    expect((await readFile(at('page/model.onnx'))).equals(await readFile(at('runs/flowers/best.onnx')))).toBe(true)
    expect(JSON.parse(await readFile(at('page/model.json'), 'utf8'))).toEqual({ model: 'regnet_y_400mf', classes: COLOURS, size: 64, resize: expect.objectContaining({ crop: 64 }), licence: expect.stringContaining('non-commercial') })
    expect((await readdir(folder.path)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('is not written where something stands already', async () => {
    expect(await cli(['export', MODEL, '--format', 'web', '--output', 'page'])).toMatchObject({ code: 1, stderr: 'torchgraft: page exists: choose another --output\n' })
  })
})

describe('a service that predicts from model.onnx', () => {
  const own = process.env['TORCHGRAFT_TEST_ONNXRUNTIME']
  const runtimes: [string, string][] = [['beside torchgraft', ROOT], ...(own === undefined ? [] : [['in its own folder', own] as [string, string]])]

  test.each(runtimes)('with the onnxruntime %s has no libtorch loaded, and the same probabilities', async (_, cwd) => {
    const image = join(ROOT, 'samples/campus/chapel/01.jpg')
    const program = `
      import { Classifier } from ${JSON.stringify(join(ROOT, 'dist/index.js'))}
      const classifier = await Classifier.open(${JSON.stringify(at('runs/flowers/best.onnx'))}, { threads: 1 })
      const [one, two] = [await classifier.predict(${JSON.stringify(image)}), []]
      for await (const { predictions, error } of classifier.predictAll([${JSON.stringify(image)}, 'nothing.jpg'], { topK: 1 })) two.push(error?.code ?? predictions[0])
      await classifier.dispose()
      await classifier.dispose()
      const disposed = await classifier.predict(${JSON.stringify(image)}).catch(({ code }) => code)
      console.log(JSON.stringify({ one, two, disposed, loaded: process.report.getReport().sharedObjects.filter((file) => /^(lib)?(torch(?!graft_images)|c10)[^/]*$/.test(file.split('/').at(-1))) }))`
    const end = await runNode(['--input-type=module', '-e', program], { cwd })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    interface Said { one: { label: string; probability: number }[]; two: unknown[]; disposed: string; loaded: string[] }
    const { one, two, disposed, loaded } = JSON.parse(end.stdout) as Said
    const expected = (await predictions(MODEL, [image])).get('01.jpg')
    expect(furthest(new Map(one.map(({ label, probability }) => [label, probability])), expected)).toBeLessThan(1e-5)
    expect([two, disposed, loaded]).toEqual([[{ label: one[0]?.label, probability: expect.closeTo(one[0]?.probability ?? 0, 5) }, 'ERR_IMAGE_DECODE'], 'ERR_DISPOSED', []])
  })

  test.each([
    [['--device', 'cuda'], 'A .onnx file is computed on the CPU here'], [['--precision', 'bf16'], 'A .onnx file is computed in fp32'],
  ])('%p is refused', async (options, reason) => {
    expect(await cli(['predict', 'runs/flowers/best.onnx', 'flowers/red/0.png', ...options])).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) })
  })

  test('scoring it is refused, with what to take', async () => {
    expect(await cli(['evaluate', 'runs/flowers/best.onnx', 'flowers'])).toMatchObject({ code: 1, stderr: expect.stringContaining('take the .safetensors file that it came from') })
  })
})

if (browserPath === undefined) skip('the page in a browser', 'there is no Chromium: install it (apt-get install chromium), or name one as TORCHGRAFT_CHROMIUM')
else describe('the page in Chromium', () => {
  let server: Awaited<ReturnType<typeof serveFolder>>
  let browser: Browser
  let page: Page
  const complaints: string[] = []
  const shown = () => page.$$eval('#results > li', (cards) => cards.map((card) => ({
    name: card.querySelector('h2')?.textContent ?? '', note: card.querySelector('.note')?.textContent, time: card.querySelector('.time')?.textContent ?? '',
    probabilities: [...card.querySelectorAll('tbody tr')].map((row): [string, number] => [row.querySelector('th')?.textContent ?? '', Number(row.querySelector('data')?.value)]),
  })))
  const settled = (cards: number, errors = 0): Promise<unknown> => page.waitForFunction(([results, told]) => document.querySelectorAll('#results > li').length === results && document.querySelectorAll('#errors > li').length === told, [cards, errors] as const)

  beforeAll(async () => {
    server = await serveFolder(at('page'))
    browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] })
  }, 60_000)
  beforeEach(async () => {
    page = await browser.newPage()
    page.setDefaultTimeout(60_000)
    complaints.length = 0
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => void (/^(?:blob|data):/.test(request.url()) || request.url().startsWith(server.url) || complaints.push(`asked ${request.url()}`)))
    page.on('response', (response) => void (response.ok() || complaints.push(`${response.status()} ${response.url()}`)))
    await page.goto(server.url)
  })
  afterEach(() => page.close())
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })
  const ready = (): Promise<unknown> => page.getByText('Ready.').waitFor()

  test('tells what torchgraft predict tells, of every kind of image, and asks no other host', async () => {
    await ready()
    const all = await imagesAlike(at('alike'))
    await page.setInputFiles('#files', [...all.keys()])
    await settled(all.size)
    const expected = await predictions(MODEL, [...all.keys()])
    const found = new Map((await shown()).map(({ name, probabilities }) => [name, new Map(probabilities)]))
    for (const [file, tolerance] of all) {
      const difference = furthest(found.get(basename(file)), expected.get(basename(file)))
      process.stderr.write(`parity: ${basename(file)} in Chromium: ${difference.toExponential(1)} (at most ${tolerance.toExponential(1)})\n`)
      expect([file, difference <= tolerance]).toEqual([file, true])
    }
    expect((await shown()).filter(({ note }) => note !== undefined)).toEqual([])
    expect((await shown()).every(({ time }) => /^\d+ ms: \d+ to read and scale it, \d+ in the model$/.test(time))).toBe(true)
    expect(complaints).toEqual([])
  }, 120_000)

  test('says of what it sees otherwise than torchgraft predict that it does', async () => {
    await ready()
    const all = await imagesApart(at('apart'))
    await page.setInputFiles('#files', [...all.keys()])
    await settled(all.size - 1, 1)
    const notes = new Map((await shown()).map(({ name, note }) => [name, note]))
    const refusals = await page.getByRole('alert').getByRole('listitem').allTextContents()
    for (const [file, expected] of all) {
      const name = basename(file)
      expect(notes.get(name) ?? refusals.find((refusal) => refusal.startsWith(name))).toMatch(expected)
    }
    await page.setInputFiles('#files', [...all.keys()].slice(0, 1))
    await settled(all.size)
    expect(await page.getByRole('status').textContent()).toMatch(/^print\.jpg: \w+, \d+\.\d %\. It is in CMYK/)
    expect(complaints).toEqual([])
  })

  test('says of what is no image what to do, and goes on', async () => {
    await ready()
    await writeFile(at('notes.txt'), 'no image')
    await writeFile(at('phone.heic'), Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic\0\0\0\0mif1heic'), Buffer.alloc(100)]))
    await page.setInputFiles('#files', [at('notes.txt'), at('phone.heic'), at('flowers/red/0.png')])
    await settled(1, 2)
    expect(await page.getByRole('alert').getByRole('listitem').allTextContents()).toEqual([
      'notes.txt is not an image that this browser can read. Try a photo as JPEG, PNG or WebP.',
      'phone.heic is HEIC, which this browser cannot read. Save it as JPEG first, or set the camera to its most compatible format.',
    ])
    expect(complaints).toEqual([])
  })

  test('is used by keyboard and tells a screen reader what it finds', async () => {
    await ready()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('files')
    expect(await page.getByLabel('Choose photos').count()).toBe(1)
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('camera')
    await page.setInputFiles('#files', at('flowers/red/0.png'))
    await settled(1)
    expect(await page.getByRole('status').textContent()).toMatch(/^0\.png: \w+, \d+\.\d %\.$/)
    expect(await page.getByRole('row').allTextContents()).toEqual(['ClassProbability', ...COLOURS.map((): unknown => expect.stringMatching(/^\w+\d+\.\d %$/))])
  })

  test('takes a dropped image, and a photo with the camera', async () => {
    await ready()
    const dropped = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], 'dropped.png', { type: 'image/png' }))
      return transfer
    }, (await readFile(at('flowers/blue/1.png'))).toString('base64'))
    await page.dispatchEvent('#take', 'drop', { dataTransfer: dropped })
    await settled(1)
    await page.getByRole('button', { name: 'Use the camera' }).press('Enter')
    await page.waitForFunction(() => (document.getElementById('video') as HTMLVideoElement).videoWidth > 0)
    await page.keyboard.press('Enter') // the shutter has the focus
    await settled(2)
    expect((await shown()).map(({ name }) => name)).toEqual(['Photo', 'dropped.png'])
    await page.getByRole('button', { name: 'Close the camera' }).click()
    expect(await page.getByRole('button', { name: 'Use the camera' }).isVisible()).toBe(true)
    expect(complaints).toEqual([])
  })

  test.each([['light', 1280], ['dark', 320]] as const)('fits in %s at %d pixels, and can be read', async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 800 })
    await ready()
    await page.setInputFiles('#files', at('flowers/green/0.png'))
    await settled(1)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    expect(await page.evaluate(contrasts)).toEqual([])
  })

  test('says what to do where the model is not there', async () => {
    await page.route('**/model.onnx', (route) => route.fulfill({ status: 404 }))
    await page.reload()
    await page.getByRole('alert').getByText('The model could not be loaded: model.onnx: 404').waitFor()
    expect(await page.getByLabel('Choose photos').isDisabled()).toBe(true)
  })

  test('its model is no larger than the weights', async () => {
    expect((await stat(at('page/model.onnx'))).size).toBeLessThan((await stat(at(MODEL))).size)
  })
})
