import { spawnSync } from 'node:child_process'
import { once as eventOnce } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readModelFile } from '../../src/runs/model-file.js'
import { type ChildEnd, type ChildOptions, ROOT, runCli } from '../helpers/processes/child.js'
import { makeImages } from '../helpers/images/image-folder.js'

/** Small and quick: what is asked here is not accuracy. */
const SMALL = ['--size', '32', '--batch-size', '8', '--device', 'cpu', '--precision', 'fp32', '--threads', '1']

let folder = ''
const at = (...path: string[]): string => join(folder, ...path)
const cli = (args: readonly string[], options: ChildOptions = {}): Promise<ChildEnd> => runCli(args, { cwd: folder, ...options })
const json = (text: string): unknown => JSON.parse(text) as unknown
const events = async (run: string): Promise<Record<string, unknown>[]> => (await readFile(at(run, 'events.jsonl'), 'utf8')).trim().split('\n').map((line) => json(line) as Record<string, unknown>)

/** Sends a little of a large file, and then nothing. */
async function slowServer(): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer((_, response) => response.writeHead(200, { 'content-length': 17_000_000 }).write(Buffer.alloc(2_000_000)))
  server.listen(0, '127.0.0.1')
  await eventOnce(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void (server.closeAllConnections(), server.close(), await eventOnce(server, 'close')) }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torchgraft-e2e-'))
  await makeImages(at('colours'), 14)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

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
      formatVersion: 1, torchgraft: '0.1.0', libtorch: expect.stringMatching(/^2\.13/), data: at('colours'), device: 'cpu', precision: 'fp32',
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
    expect(await readdir(folder)).not.toContain('wrong')
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

/** Acts once, when the first epoch has been told of. */
function once(act: (kill: (signal: NodeJS.Signals) => void) => void): NonNullable<ChildOptions['onOutput']> {
  let done = false
  return (_, stderr, kill) => {
    if (done || !/^ {4}1 /m.test(stderr)) return
    done = true
    act(kill)
  }
}

describe('interrupting and resuming', () => {
  const options = ['--epochs', '8', '--lr', '0.003', '--val', '0.3', ...SMALL]

  test.each(['SIGINT', 'SIGTERM'] as const)('%s saves and exits with 130; --resume ends with the bytes of the run that was never stopped', async (signal) => {
    const whole = await cli(['train', 'colours', '--output', `whole-${signal}`, ...options])
    expect(whole.code).toBe(0)
    const run = `stopped-${signal}`
    const stopped = await cli(['train', 'colours', '--output', run, ...options], { onOutput: once((kill) => kill(signal)) })
    expect(stopped).toMatchObject({ code: 130, stdout: '' })
    expect(stopped.stderr).toContain('Stopping: the current step is finished and saved first.')
    expect(stopped.stderr).toContain(`npx torchgraft train --resume --output ${run}`)
    expect(await readdir(at(run))).not.toContain('run.lock')
    expect((await events(run)).at(-1)).toMatchObject({ type: 'stop', reason: 'aborted' })

    const resumed = await cli(['train', '--resume', '--output', run])
    expect(resumed).toMatchObject({ code: 0, stderr: expect.stringContaining('Continuing from last.safetensors') })
    expect(resumed.stderr).toContain('Computing on cpu in fp32: as in the run\'s config.json.')
    for (const file of ['best.safetensors', 'last.safetensors']) expect((await readFile(at(run, file))).equals(await readFile(at(`whole-${signal}`, file)))).toBe(true)

    const over = await cli(['train', '--resume', '--output', run])
    expect(over.code).toBe(0)
    expect(over.stdout).toContain('scored the same')
    const another = await cli(['train', '--resume', '--output', run, '--seed', '9'])
    expect(another).toMatchObject({ code: 1, stderr: 'torchgraft: This run began with --seed 1, not 9: leave it out, or start a new run\n' })
  })

  test('with --json, what was interrupted says so', async () => {
    const end = await cli(['train', 'colours', '--output', 'json-stop', '--json', ...options], { onOutput: once((kill) => kill('SIGINT')) })
    expect(end.code).toBe(130)
    expect(json(end.stdout)).toMatchObject({ output: 'json-stop', stop: 'aborted' })
  })

  test('images that changed since are refused', async () => {
    await cp(at('colours'), at('changing'), { recursive: true })
    await cli(['train', 'changing', '--epochs', '1', '--output', 'changed', ...SMALL])
    await rm(at('changing/red/3.png'))
    expect(await cli(['train', '--resume', '--output', 'changed', '--epochs', '2'])).toMatchObject({ code: 1, stderr: expect.stringContaining('The images are not those') })
  })
})

describe('torchgraft evaluate', () => {
  test('leaves out what the model was trained on, while its run folder tells', async () => {
    const end = await cli(['evaluate', 'runs/colours/best.safetensors', 'colours', '--json', '--precision', 'fp32', '--threads', '1'])
    expect(end.code).toBe(0)
    const { metadata } = await readModelFile(at('runs/colours/best.safetensors'))
    expect(json(end.stdout)).toMatchObject({ count: 6, leftOut: 36, top1: metadata.metrics?.top1, classes: [{ label: 'blue', count: 2 }, { label: 'green', count: 2 }, { label: 'red', count: 2 }] })
    expect((json(end.stdout) as { loss: number }).loss).toBeCloseTo(metadata.metrics!.loss, 5)
    expect(json((await cli(['evaluate', 'runs/colours/best.safetensors', 'colours', '--all', '--json'])).stdout)).toMatchObject({ count: 42, leftOut: 0 })
  })

  test('says where it cannot tell, and refuses classes that the model does not know', async () => {
    await mkdir(at('alone'))
    await cp(at('runs/colours/best.safetensors'), at('alone/model.safetensors'))
    const alone = await cli(['evaluate', 'alone/model.safetensors', 'colours'])
    expect(alone).toMatchObject({ code: 0, stdout: expect.stringContaining('There is no split.json beside the model') })
    expect(alone.stdout).toMatch(/^blue +\d+ of 14/m)
    await mkdir(at('strange'))
    await cp(at('colours/red'), at('strange/purple'), { recursive: true })
    expect(await cli(['evaluate', 'alone/model.safetensors', 'strange'])).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown classes: purple') })
  })

  test('a damaged model is refused', async () => {
    const bytes = await readFile(at('runs/colours/best.safetensors'))
    bytes[bytes.length - 9]! ^= 4
    await writeFile(at('damaged.safetensors'), bytes)
    expect(json((await cli(['evaluate', 'damaged.safetensors', 'colours', '--json'])).stdout)).toMatchObject({ error: { code: 'ERR_FILE_CHECKSUM', path: 'damaged.safetensors' } })
  })
})

describe('torchgraft predict', () => {
  const model = 'runs/colours/best.safetensors'

  test('gives a line an image, in the order given; folders are gone through', async () => {
    const end = await cli(['predict', model, 'colours/red/1.png', 'colours/blue', '--top-k', '2'])
    expect(end.code).toBe(0)
    const lines = end.stdout.trim().split('\n')
    expect(lines).toHaveLength(15)
    expect(lines[0]).toMatch(/^colours\/red\/1\.png {2}\w+ [\d.]+ %, \w+ [\d.]+ %$/)
  })

  test('as JSON, probabilities sum to 1; one that cannot be read has its error, and the exit code says so', async () => {
    await writeFile(at('no,"image".jpg'), 'x')
    const end = await cli(['predict', model, 'colours/red/1.png', 'no,"image".jpg', 'nothing.jpg', 'colours/green/2.png', '--json'])
    expect(end.code).toBe(1)
    const results = json(end.stdout) as { image: string; predictions?: { probability: number }[]; error?: { code: string } }[]
    expect(results.map(({ image, error }) => [image, error?.code])).toEqual([['colours/red/1.png', undefined], ['no,"image".jpg', 'ERR_IMAGE_DECODE'], ['nothing.jpg', 'ERR_IMAGE_DECODE'], ['colours/green/2.png', undefined]])
    expect(results[0]?.predictions?.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5)
    const csv = await cli(['predict', model, 'colours/red/1.png', '--csv', '--top-k', '1'])
    expect(csv.stdout).toMatch(/^image,label,probability\ncolours\/red\/1\.png,\w+,0\.\d+\n$/)
  })
})

describe('model files', () => {
  const model = 'runs/colours/best.safetensors'

  test('inspect tells what is in a file and in a run, for people and for programs', async () => {
    const file = json((await cli(['inspect', model, '--json'])).stdout)
    expect(file).toMatchObject({ kind: 'safetensors', model: 'regnet_y_400mf', metadata: { classes: ['blue', 'green', 'red'] }, fits: { variant: 'regnet_y_400mf', classes: 3 }, bytes: expect.any(Number) })
    expect((file as { tensors: unknown[] }).tensors[0]).toEqual({ name: 'stem.0.weight', dtype: 'float32', shape: [32, 3, 3, 3] })
    expect(json((await cli(['inspect', 'runs/colours', '--json'])).stdout)).toMatchObject({ kind: 'run', model: 'regnet_y_400mf', metadata: { options: { epochs: 3 } }, tensors: [] })
    const text = (await cli(['inspect', 'runs/colours'])).stdout
    expect(text).toMatch(/^run, [\d.]+ MB, regnet_y_400mf\n/)
    expect(text).toContain('best.safetensors')
    expect(await cli(['inspect', 'nothing.pth', '--json'])).toMatchObject({ code: 1, stdout: expect.stringContaining('ERR_FILE_FORMAT') })
  })

  test('an exported .pth predicts the same, once it is told its classes', async () => {
    const exported = json((await cli(['export', model, '--format', 'pth', '--json'])).stdout)
    expect(exported).toEqual({ file: 'runs/colours/best.pth', bytes: expect.any(Number), optimizer: false, notes: [] })
    const again = await cli(['export', model, '--format', 'pth'])
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('best.pth exists') })
    const unnamed = await cli(['predict', 'runs/colours/best.pth', 'colours/red/1.png'])
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringMatching(/the names of 3 classes, in the order of the model's outputs, since runs\/colours\/best\.pth does not name them, for --classes but received nothing/) })
    await writeFile(at('names.txt'), 'blue\ngreen\nred\n')
    const predict = async (file: string, ...more: string[]) => json((await cli(['predict', file, 'colours/red/1.png', '--json', '--precision', 'fp32', '--threads', '1', ...more])).stdout) as { predictions: { label: string; probability: number }[] }[]
    const [ours] = await predict(model)
    const [theirs] = await predict('runs/colours/best.pth', '--classes', 'names.txt', '--size', '32')
    expect(theirs?.predictions.map(({ label }) => label)).toEqual(ours?.predictions.map(({ label }) => label))
    expect(theirs?.predictions[0]?.probability).toBeCloseTo(ours!.predictions[0]!.probability, 5)
    await cli(['export', 'runs/colours/best.pth', '--format', 'safetensors', '--output', 'plain.safetensors'])
    expect(await predict('plain.safetensors', '--classes', 'names.txt', '--size', '32')).toEqual([theirs])
    const scored = json((await cli(['evaluate', 'runs/colours/best.pth', 'colours', '--all', '--json', '--classes', 'names.txt', '--size', '32'])).stdout)
    expect(scored).toMatchObject({ count: 42 })
  })

  test('a run can begin from it, and from what was exported in half precision', async () => {
    expect((await cli(['export', model, '--format', 'safetensors', '--fp16'])).stdout).toMatch(/^runs\/colours\/best-fp16\.safetensors {2}[\d.]+ MB\n$/)
    const half = await readModelFile(at('runs/colours/best-fp16.safetensors'))
    expect([half.tensors.get('fc.weight')?.dtype, half.tensors.get('stem.1.running_var')?.dtype]).toEqual(['float16', 'float32'])
    for (const [i, weights] of ['runs/colours/best.pth', 'runs/colours/best-fp16.safetensors'].entries()) {
      const end = await cli(['train', 'colours', '--epochs', '1', '--weights', weights, '--output', `runs/again-${i}`, '--json', ...SMALL])
      expect(end.code).toBe(0)
    }
  })

  test('the optimizer goes along from last.safetensors', async () => {
    expect(json((await cli(['export', 'runs/colours/last.safetensors', '--format', 'pth', '--json'])).stdout)).toMatchObject({ optimizer: true })
    expect(json((await cli(['inspect', 'runs/colours/last.pth', '--json'])).stdout)).toMatchObject({ kind: 'pth', metadata: { keys: ['state_dict', 'optimizer'] }, fits: { variant: 'regnet_y_400mf', classes: 3 } })
    expect(await cli(['export', 'runs/colours/last.safetensors', '--format', 'pth', '--fp16', '--output', 'half.pth'])).toMatchObject({ code: 2, stderr: expect.stringContaining('without an optimizer') })
  })

  test('weights are listed, and what is not there is said with what to do', async () => {
    const env = { ...process.env, TORCH_HOME: at('hub'), TORCHGRAFT_WEIGHTS_MIRROR: 'http://127.0.0.1:9' }
    const listed = json((await cli(['weights', '--json'], { env })).stdout) as { name: string; onDisk: boolean }[]
    expect(listed).toHaveLength(34)
    expect(listed.every(({ onDisk }) => !onDisk)).toBe(true)
    expect((await cli(['weights'], { env })).stdout).toMatch(/regnet_y_16gf-imagenet1k_v1 +335 MB {2}80\.4 %\n/)
    expect(await cli(['weights', 'pull', 'regnet_y_400mf-imagenet1k_v2'], { env })).toMatchObject({ code: 1, stderr: expect.stringMatching(/could not be reached .*place it as .*hub\/hub\/checkpoints\/regnet_y_400mf-e6988f5f\.pth/) })
    expect(await cli(['weights', 'pull', 'nothing'], { env })).toMatchObject({ code: 1, stderr: expect.stringContaining('There are no weights "nothing"') })
    await using server = await slowServer()
    const mirror = { ...env, TORCHGRAFT_WEIGHTS_MIRROR: server.url }
    const cut = await cli(['weights', 'pull', 'regnet_y_400mf-imagenet1k_v2'], { env: mirror, onOutput: (_, stderr, kill) => void (stderr.includes('MB') && kill('SIGINT')) })
    expect(cut).toMatchObject({ code: 130, stderr: expect.stringContaining('What has arrived is kept') })
    expect(await readdir(at('hub/hub/checkpoints'))).toEqual(['regnet_y_400mf-e6988f5f.pth.part'])
    const missing = await cli(['train', 'colours', '--weights', 'regnet_y_400mf-imagenet1k_v1', '--output', 'never', ...SMALL], { env })
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringMatching(/not on this disk \(17\.6 MB\): run "torchgraft weights pull regnet_y_400mf-imagenet1k_v1", or place the file as/) })
  })
})

test.each([['stdout', '| head -n 1'], ['stderr too', '2>&1 | head -n 1']])('a reader that closes %s early is no error', async (_, pipe) => {
  const command = `"${process.execPath}" "${join(ROOT, 'scripts/torchgraft.mjs')}" predict runs/colours/best.safetensors colours colours ${pipe}`
  const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], { cwd: folder, encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout.trim().split('\n')).toHaveLength(1)
})

describe('usage', () => {
  test.each([
    [['trian'], "unknown command 'trian'\n(Did you mean train?)"],
    [['train', '--epoch', '3'], "unknown option '--epoch'\n(Did you mean --epochs?)"],
    [['train', 'a', 'b'], 'too many arguments'],
    [['train', 'x', '--epochs', 'many'], 'Expected a number'],
    [['train', 'x', '--epochs', '0'], 'Expected an integer from 1 to 100000 for --epochs but received 0'],
    [['train', 'x', '--precision', 'fp8'], 'Allowed choices are auto, fp32, bf16'],
    [['train', '--resume'], 'Expected the run folder to resume for --output but received nothing'],
    [['predict', 'm'], "missing required argument 'images'"],
    [['predict', 'm', 'i', '--json', '--csv'], 'cannot be used with'],
    [[], 'Usage: torchgraft'],
  ])('%j is told what is wrong, with exit code 2', async (args, message) => {
    const end = await cli(args)
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect(end.stderr).toContain(message)
  })

  test.each([['train'], ['evaluate'], ['predict'], ['inspect'], ['export'], ['weights'], ['doctor'], ['setup']])('%s --help fits 80 columns', async (command) => {
    const end = await cli([command, '--help'])
    expect(end.code).toBe(0)
    expect(end.stdout).toMatch(new RegExp(`^Usage: torchgraft ${command}`))
    expect(Math.max(...end.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test.each([
    [['train', 'nowhere'], 'ERR_DATA_EMPTY', 'nowhere'],
    [['train', 'colours', '--model', 'regnet_y_800mf'], 'ERR_WEIGHTS_MISSING', undefined],
    [['train', 'colours', '--weights', 'nothing.safetensors'], 'ERR_WEIGHTS_MISSING', 'nothing.safetensors'],
    [['train', 'colours', '--device', 'cuda:5', '--output', 'never'], 'ERR_DEVICE', undefined],
    [['predict', 'nothing.safetensors', 'colours'], 'ERR_FILE_FORMAT', 'nothing.safetensors'],
  ])('%j fails with %s and leaves nothing behind', async (args, code, path) => {
    const before = (await readdir(folder)).sort()
    const end = await cli([...args, '--json'])
    expect(end.code).toBe(1)
    expect(json(end.stdout)).toEqual({ error: { code, message: expect.any(String), ...(path !== undefined && { path }) } })
    expect((await readdir(folder)).sort()).toEqual(before)
  })

  test('doctor tells what there is, for people and for programs', async () => {
    const end = await cli(['doctor', '--json'])
    expect(end.code).toBe(0)
    expect(json(end.stdout)).toMatchObject({ ok: true, libtorch: { version: expect.stringMatching(/^2\.13/), cuda: expect.any(Boolean) }, devices: expect.arrayContaining(['cpu']), processor: { cores: expect.any(Number) }, node: process.versions.node, advice: expect.any(Array) })
    const broken = await cli(['doctor'], { env: { ...process.env, LIBTORCH: '/nonexistent' } })
    expect(broken).toMatchObject({ code: 1, stdout: expect.stringContaining('there is no folder /nonexistent') })
  })
})
