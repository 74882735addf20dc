import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { packageVersion } from '../../../src/package.js'
import { readModelFile } from '../../../src/runs/model-file.js'
import type { ChildEnd } from '../../helpers/processes/child.js'
import { SMALL, workFolder } from '../../helpers/work-folder.js'

const { at, cli, events } = workFolder()
const json = (text: string): unknown => JSON.parse(text) as unknown

describe('torchgraft train', () => {
  let end: ChildEnd
  beforeAll(async () => {
    end = await cli(['train', 'colours', '--epochs', '3', '--lr', '0.003', ...SMALL])
  })

  test('ends with the best epoch, its file and the command to predict; progress is on stderr', () => {
    expect(end.code).toBe(0)
    expect(end.stdout).toMatch(/The best epoch is \d: top-1 [\d.]+ % \(\d of 6; 95 % interval [\d.]+ % to [\d.]+ %\), loss/)
    expect(end.stdout).toContain('loaded again and scored the same')
    expect(end.stdout).toContain('Model    runs/colours/best.safetensors')
    expect(end.stdout).toMatch(/Predict {2}npx torchgraft predict runs\/colours\/best\.safetensors colours\/\w+\/\d+\.png/)
    expect(end.stderr).toMatch(/^The weights regnet_y_400mf-tiny-imagenet come with terms: .*non-commercial/)
    expect(end.stderr).toMatch(/36 images to train on, 6 to score/)
    expect(end.stderr.split('\n').filter((line) => /^ {4}[123] /.test(line))).toHaveLength(3)
  })

  test('leaves the run folder that is described: nothing more, nothing less', async () => {
    expect((await readdir(at('runs/colours'))).sort()).toEqual(['best.safetensors', 'config.json', 'events.jsonl', 'last.previous.safetensors', 'last.safetensors', 'split.json'])
    expect(json(await readFile(at('runs/colours/config.json'), 'utf8'))).toMatchObject({
      formatVersion: 1, torchgraft: packageVersion(), libtorch: expect.stringMatching(/^2\.13/), data: at('colours'),
      device: 'cpu', precision: 'fp32',
      options: { model: 'regnet_y_400mf', weights: 'regnet_y_400mf-tiny-imagenet', epochs: 3, batchSize: 8, size: 32, lr: 0.003, val: 0.15, seed: 1, threads: 1, patience: null },
    })
    const split = json(await readFile(at('runs/colours/split.json'), 'utf8')) as { train: unknown[]; val: unknown[] }
    expect(split).toMatchObject({ formatVersion: 1, seed: 1, classes: ['blue', 'green', 'red'] })
    expect([split.train.length, split.val.length]).toEqual([36, 6])
    expect(split.val[0]).toEqual({ path: expect.stringMatching(/^blue\/\d+\.png$/), label: 'blue', hash: expect.stringMatching(/^[0-9a-f]{32}$/) })
    const lines = await events('runs/colours')
    expect(lines.every(({ time, type }) => typeof type === 'string' && !Number.isNaN(Date.parse(String(time))))).toBe(true)
    expect(lines.filter(({ type }) => type === 'step')).toHaveLength(12)
    expect(lines.filter(({ type }) => type === 'epoch')).toHaveLength(3)
    expect(lines.at(-1)).toMatchObject({ type: 'stop', reason: 'completed', epochs: 3 })
  })

  test('the model file holds all that predicting needs', async () => {
    const { metadata } = await readModelFile(at('runs/colours/best.safetensors'))
    expect(metadata).toMatchObject({
      formatVersion: 1, model: 'regnet_y_400mf', classes: ['blue', 'green', 'red'], size: 32, resize: { shorterSide: 37, crop: 32, antialias: true, pad: null, orient: true, profile: true },
      metrics: { count: 6 }, weights: { name: 'regnet_y_400mf-tiny-imagenet', sha256: expect.stringMatching(/^[0-9a-f]{64}$/), licence: expect.stringContaining('non-commercial') },
      data: { fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/), train: 36, val: 6 },
    })
  })

  test('a second run in the same folder is refused by name; the default finds another', async () => {
    const again = await cli(['train', 'colours', '--output', 'runs/colours'])
    expect(again).toMatchObject({ code: 1, stdout: '', stderr: 'torchgraft: runs/colours holds a run already: continue it with --resume, or choose another --output\n' })
    const other = await cli(['train', 'colours', '--epochs', '1', '--json', ...SMALL])
    expect(other.code).toBe(0)
    expect(json(other.stdout)).toMatchObject({ output: 'runs/colours-2', best: { epoch: 1, file: 'best.safetensors' }, stop: 'completed', epochs: 1, device: 'cpu', precision: 'fp32', skippedImages: 0, seconds: expect.any(Number) })
    const { best, reloaded } = json(other.stdout) as { best: { loss: number; top1: number }; reloaded: { loss: number; top1: number } }
    expect(reloaded).toEqual({ loss: best.loss, top1: best.top1 })
  })

  test('goes on from one’s own model: the same classes keep the head, others get a new one', async () => {
    const same = await cli(['train', 'colours', '--epochs', '1', '--weights', 'runs/colours/best.safetensors', '--output', 'same', ...SMALL])
    expect(same.stderr).toContain('The head is taken from best.')
    await cp(at('colours'), at('two'), { recursive: true })
    await rm(at('two/red'), { recursive: true })
    const two = await cli(['train', 'two', '--epochs', '1', '--weights', 'runs/colours/best.safetensors', '--output', 'other', ...SMALL])
    expect(two.stderr).toContain('The head (the last layer) is new, for 2 classes.')
    expect((await readModelFile(at('other/best.safetensors'))).metadata.classes).toEqual(['blue', 'green'])
    const wrong = await cli(['train', 'colours', '--model', 'regnet_x_400mf', '--weights', 'runs/colours/best.safetensors', '--output', 'wrong', ...SMALL])
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('choose --model regnet_y_400mf') })
    expect(await readdir(at())).not.toContain('wrong')
  })

  test('a broken image is left out by name, or ends the run where asked', async () => {
    await cp(at('colours'), at('broken'), { recursive: true })
    await writeFile(at('broken/blue/bad.jpg'), 'not an image')
    await writeFile(at('broken/green/phone.heic'), 'x')
    const tolerant = await cli(['train', 'broken', '--epochs', '2', '--output', 'tolerant', ...SMALL])
    expect(tolerant.code).toBe(0)
    expect(tolerant.stdout).toMatch(/\n2 files were left out:\n {2}green\/phone\.heic: HEIC [^\n]*heif-convert[^\n]*\n {2}blue\/bad\.jpg: it is not an image[^\n]*\n/)
    const skipped = (await events('tolerant')).filter(({ type }) => type === 'image-skipped')
    expect(skipped).toMatchObject([{ path: 'green/phone.heic', message: expect.stringContaining('convert') }, { path: 'blue/bad.jpg', code: 'ERR_IMAGE_DECODE' }])
    const phone = await cli(['train', 'broken', '--strict-images', '--output', 'strict', '--json', ...SMALL])
    expect(phone.code).toBe(1)
    expect(json(phone.stdout)).toMatchObject({ error: { code: 'ERR_IMAGE_DECODE', path: 'broken/green/phone.heic', message: expect.stringContaining('--strict-images forbids') } })
    await rm(at('broken/green/phone.heic'))
    const strict = await cli(['train', 'broken', '--strict-images', '--output', 'strict', '--json', ...SMALL])
    expect(strict.code).toBe(1)
    expect(json(strict.stdout)).toMatchObject({ error: { code: 'ERR_IMAGE_DECODE', path: at('broken/blue/bad.jpg') } })
  })
})
