import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readModelFile } from '../../src/runs/model-file.js'
import { readTorchCheckpoint } from '../../src/runs/torch-checkpoint.js'
import { type ChildEnd, runCli } from '../helpers/processes/child.js'
import { makeImages } from '../helpers/images/image-folder.js'

let folder = ''
const at = (...path: string[]): string => join(folder, ...path)
const cli = (...args: readonly string[]): Promise<ChildEnd> => runCli(args, { cwd: folder })
const read = async <T>(file: string): Promise<T> => JSON.parse(await readFile(at(file), 'utf8')) as T
const NOTEBOOK = ['--recipe', 'notebook', '--model', 'regnet_y_400mf', '--size', '32', '--batch-size', '6', '--device', 'cpu', '--threads', '1']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torchgraft-notebook-'))
  await makeImages(at('colours'), 14)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('torchgraft train --recipe notebook', () => {
  let end: ChildEnd
  beforeAll(async () => {
    end = await cli('train', 'colours', '--output', 'whole', '--epochs', '2', '--sanity-steps', '3', ...NOTEBOOK)
  }, 120_000)

  test('says how it computes and what its sanity check came to', () => {
    expect(end.code).toBe(0)
    expect(end.stderr).toContain('Computing on cpu in fp32: the notebook’s own code computes so on a CPU.')
    expect(end.stderr).toMatch(/Sanity check, 3 steps on one batch: loss [\d.]+ at first, [\d.]+ at the end/)
    expect(end.stderr).toContain('35 images to train on, 7 to score')
  })

  test('keeps every decision, and the split’s own seed', async () => {
    const { options, mean, std, memoryFormat } = await read<Record<string, unknown>>('whole/config.json')
    expect(options).toMatchObject({ recipe: 'notebook', meanStd: 'data', sanitySteps: 3, monitor: 'val/loss', patience: 3, lr: 1e-3, followLinks: true })
    expect({ memoryFormat, mean, std }).toEqual({ memoryFormat: 'contiguous', mean: [expect.any(Number), expect.any(Number), expect.any(Number)], std: [expect.any(Number), expect.any(Number), expect.any(Number)] })
    expect(await read('whole/split.json')).toMatchObject({ seed: 1999, classes: ['blue', 'green', 'red'] })
  })

  test('writes the best model as the notebook does, too', async () => {
    expect(await readdir(at('whole'))).toContain('best_model.pth')
    const { model, training, optimizer } = await readTorchCheckpoint(at('whole/best_model.pth'))
    const best = await readModelFile(at('whole/best.safetensors'))
    expect([...model.keys()]).toEqual([...best.tensors.keys()])
    for (const [name, { data }] of model) expect([name, Buffer.compare(data, best.tensors.get(name)!.data)]).toEqual([name, 0])
    expect(optimizer).toMatchObject({ type: 'adam', groups: [{ lr: 1e-3, weightDecay: 0 }] })
    expect(training!.has('optimizer.exp_avg.fc.weight')).toBe(true)
  })

  test('the model file says how its images are made, and scoring it again agrees', async () => {
    const { metadata } = await readModelFile(at('whole/best.safetensors'))
    expect(metadata.resize).toEqual({ shorterSide: null, crop: null, antialias: false, pad: 'square', orient: false, profile: false })
    const { epoch, ...scored } = metadata.metrics!
    expect(epoch).toBeGreaterThan(0)
    const picked = (await read<{ val: { path: string }[] }>('whole/split.json')).val.slice(0, 6)
    for (const { path } of picked) await cp(at('colours', path), at('picked', path))
    const { stdout } = await cli('evaluate', 'whole/best.safetensors', 'picked', '--precision', 'fp32', '--json')
    const { loss, top1, count } = JSON.parse(stdout) as typeof scored
    expect({ top1, count }).toEqual({ top1: scored.top1, count: 6 })
    expect(Math.abs(loss - scored.loss)).toBeLessThan(1e-4 * Math.max(1, scored.loss))
  }, 60_000)

  test('one that was stopped after an epoch ends with the same bytes', async () => {
    await cli('train', 'colours', '--output', 'parts', '--epochs', '1', '--sanity-steps', '3', ...NOTEBOOK)
    expect(await cli('train', '--resume', '--output', 'parts', '--epochs', '2')).toMatchObject({ code: 0 })
    for (const file of ['best.safetensors', 'last.safetensors', 'best_model.pth']) expect([file, Buffer.compare(await readFile(at('parts', file)), await readFile(at('whole', file)))]).toEqual([file, 0])
  }, 120_000)
})

test('any option can be overridden, a validation folder too', async () => {
  await makeImages(at('scored'), 3)
  const { code, stderr } = await cli('train', 'colours', '--val', 'scored', '--output', 'other', ...NOTEBOOK, '--epochs', '1', '--mean-std', '.4,.5,.6/.2,.3,.4', '--lr', '0.002', '--patience', 'none', '--monitor', 'val/top1', '--memory-format', 'channels_last', '--no-follow-links')
  expect([code, stderr]).toEqual([0, expect.stringContaining('42 images to train on, 9 to score')])
  expect(await read('other/config.json')).toMatchObject({ mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4], memoryFormat: 'channels_last', options: { lr: 0.002, patience: null, monitor: 'val/top1', followLinks: false } })
}, 60_000)

test.each([
  [['--batch-size', '64'], /Expected at most 7, the images of the smaller set, .*not full, for --batch-size but received 64/],
  [['--mean-std', '1,2/3,4'], /data, notebook, imagenet or six numbers/],
  [['--mean-std', '1,2,3/0,1,1'], /Expected a number above 0 for --mean-std \(std\[0\]\)/],
  [['--sanity-steps', '-1'], /for --sanity-steps but received -1/],
  [['--patience', '0'], /for --patience but received 0/],
])('%j is refused, and nothing is left behind', async (options, message) => {
  const { code, stderr } = await cli('train', 'colours', '--output', 'refused', ...NOTEBOOK, ...options)
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
  expect(await readdir(folder)).not.toContain('refused')
})

test.each([[['--mean-std', 'data']], [['--sanity-steps', '5']]])('the default recipe takes no %j', async (options) => {
  expect(await cli('train', 'colours', '--output', 'refused', ...options)).toMatchObject({ code: 2, stderr: expect.stringContaining('--recipe notebook, which alone has it') })
})

test('without weights of its model on this disk it says which to pull', async () => {
  const { code, stderr } = await runCli(['train', 'colours', '--recipe', 'notebook', '--batch-size', '6', '--output', 'refused'], { cwd: folder, env: { ...process.env, TORCH_HOME: at('nowhere') } })
  expect([code, stderr]).toEqual([1, expect.stringContaining('torchgraft weights pull regnet_y_16gf-imagenet1k_v1')])
})

describe('torchgraft overfit', () => {
  const SMALL = ['--size', '32', '--batch-size', '8', '--device', 'cpu', '--threads', '1']

  test('learns one batch, says so, and writes nothing', async () => {
    const before = await readdir(folder)
    const { code, stdout, stderr } = await cli('overfit', 'colours', '--steps', '25', ...SMALL)
    expect([code, stdout]).toEqual([0, expect.stringMatching(/The model learns\.\nThe loss went from [\d.]+ to [\d.]+, and \d of 8 images are classified correctly/)])
    expect(stderr).toMatch(/regnet_y_400mf, 8 images of \d classes, on cpu in fp32/)
    expect(await readdir(folder)).toEqual(before)
  }, 60_000)

  test('says why not', async () => {
    const { code, stdout } = await cli('overfit', 'colours', '--steps', '8', '--lr', '1e-7', '--weights', 'none', '--json', ...SMALL)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ learned: false, reasons: [expect.stringContaining('After 8 steps'), expect.any(String)], steps: { length: 8 } })
  }, 60_000)
})
