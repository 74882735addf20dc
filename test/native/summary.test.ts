import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { writeModelFile } from '../../src/runs/model-file.js'
import { writeTorchCheckpoint } from '../../src/runs/torch-checkpoint.js'
import { summaryCommand } from '../../src/cli/commands/summary.js'
import { writeSafetensors } from '../../src/formats/safetensors.js'
import { byteLength, type StateDict } from '../../src/formats/tensor.js'
import { loadAddon } from '../../src/addon/load.js'
import { type ModelSummary, summarize, type SummarizeOptions } from '../../src/inference/summarize.js'
import { modelSummaryText } from '../../src/report/model-summary.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'

const zeros = (classes: number): StateDict =>
  new Map(loadAddon().describe('regnet_x_400mf', classes).tensors.map(({ name, dtype, shape }) => [name, { dtype, shape, data: new Uint8Array(byteLength(dtype, shape)) }]))
const METADATA = {
  formatVersion: 1, model: 'regnet_x_400mf', classes: ['a', 'b', 'c'], size: 96,
  resize: { shorterSide: 110, crop: 96, antialias: true, pad: null, orient: true, profile: true },
  mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25],
} as const
const shown = ({ model, classes, size, batchSize }: ModelSummary) => ({ model, classes, size, batchSize })

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const at = (name: string): string => join(folder.path, name)

beforeAll(async () => {
  folder = await temporaryFolder()
  const tensors = zeros(3)
  const step = { dtype: 'float32', shape: [], data: new Uint8Array(4) } as const
  await writeModelFile(at('best.safetensors'), { tensors, metadata: METADATA })
  await writeModelFile(at('last.safetensors'), { tensors: new Map([...tensors, ['optimizer.step.fc.bias', step]]), metadata: METADATA })
  await writeSafetensors(at('others.safetensors'), tensors)
  await writeTorchCheckpoint(at('model.pth'), { model: tensors })
  await writeSafetensors(at('foreign.safetensors'), new Map([['weight', step]]))
  await writeFile(at('broken.safetensors'), 'no model')
  await mkdir(at('run'))
})
afterAll(() => folder[Symbol.asyncDispose]())

describe('what is summarized', () => {
  test('a name means torchvision’s 1000 classes at 224 px', async () => {
    expect(shown(await summarize({ model: 'regnet_y_16gf' }))).toEqual({ model: 'regnet_y_16gf', classes: 1000, size: 224, batchSize: -1 })
  })

  test.each([
    ['best.safetensors', 96], ['last.safetensors', 96], ['others.safetensors', 224], ['model.pth', 224],
  ])('%s tells its variant and classes, and its size where it can', async (name, size) => {
    expect(shown(await summarize({ model: at(name) }))).toEqual({ model: 'regnet_x_400mf', classes: 3, size, batchSize: -1 })
    expect(shown(await summarize({ model: at(name), size: 64, classes: 3, batchSize: 8 }))).toEqual({ model: 'regnet_x_400mf', classes: 3, size: 64, batchSize: 8 })
  })

  test('a file is the same as its variant with its classes', async () => {
    const file = await summarize({ model: at('best.safetensors') })
    expect(file).toEqual(await summarize({ model: 'regnet_x_400mf', classes: 3, size: 96 }))
  })

  test('a file that has a variant’s name is taken for a file', async () => {
    const before = process.cwd()
    process.chdir(folder.path)
    try {
      await mkdir('regnet_y_800mf')
      expect(shown(await summarize({ model: 'regnet_y_800mf' }))).toMatchObject({ model: 'regnet_y_800mf', classes: 1000 }) // a folder is no file
      await writeSafetensors('regnet_y_400mf', zeros(3))
      expect(shown(await summarize({ model: 'regnet_y_400mf' }))).toMatchObject({ model: 'regnet_x_400mf', classes: 3 })
    } finally {
      process.chdir(before)
    }
  })
})

test('layers have their shapes and parameters; sums are of all of them', async () => {
  const { layers, parameters, trainable, bytes } = await summarize({ model: 'regnet_y_400mf', classes: 18, size: 224, batchSize: 2 })
  expect(layers.slice(0, 2)).toEqual([
    { name: 'Conv2d-1', type: 'Conv2d', shape: [2, 32, 112, 112], parameters: 864 },
    { name: 'BatchNorm2d-2', type: 'BatchNorm2d', shape: [2, 32, 112, 112], parameters: 64 },
  ])
  expect(layers.at(-1)).toEqual({ name: 'Linear-269', type: 'Linear', shape: [2, 18], parameters: 440 * 18 + 18 })
  const expected = loadAddon().describe('regnet_y_400mf', 18).tensors.filter(({ role }) => role !== 'buffer').reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
  expect([parameters, trainable, bytes.parameters]).toEqual([expected, expected, expected * 4])
  expect(bytes.input).toBe(2 * 3 * 224 * 224 * 4)
  expect(bytes.activations).toBe(2 * (await summarize({ model: 'regnet_y_400mf', classes: 18 })).bytes.activations)
})

describe('what is refused', () => {
  test.each<[string, Partial<SummarizeOptions>, string, RegExp]>([
    ['a name that is neither', { model: 'regnet_z_1gf' }, 'ERR_MODEL_UNKNOWN', /"regnet_z_1gf" is neither a model file nor the name of a model\. The models are regnet_y_400mf, /],
    ['a model that is no text', { model: 7 as unknown as string }, 'ERR_ARGUMENT', /a model file or the name of a variant for model but received 7/],
    ['a size of 0', { size: 0 }, 'ERR_ARGUMENT', /an integer from 1 to 8192 for size but received 0/],
    ['half a class', { classes: 1.5 }, 'ERR_ARGUMENT', /for classes but received 1\.5/],
    ['a batch of none', { batchSize: 0 }, 'ERR_ARGUMENT', /-1 or an integer of at least 1 for batchSize but received 0/],
    ['a batch below -1', { batchSize: -2 }, 'ERR_ARGUMENT', /for batchSize but received -2/],
  ])('%s', async (_, options, code, message) => {
    await expect(summarize({ model: 'regnet_y_400mf', ...options })).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test.each<[string, Partial<SummarizeOptions>, string, RegExp]>([
    ['best.safetensors', { classes: 4 }, 'ERR_ARGUMENT', /Expected 3, which is what .*best\.safetensors has, for classes but received 4/],
    ['foreign.safetensors', {}, 'ERR_STATE_DICT_MISMATCH', /holds 1 tensor that is not one of any RegNet of torchvision/],
    ['broken.safetensors', {}, 'ERR_FILE_FORMAT', /not a valid safetensors file/],
    ['run', {}, 'ERR_FILE_FORMAT', /it is a folder without a best\.safetensors, so not that of a run/],
  ])('%s with %j', async (name, options, code, message) => {
    await expect(summarize({ model: at(name), ...options })).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

describe('torchgraft summary', () => {
  const run = async (...args: readonly string[]): Promise<{
    readonly code: number | undefined
    readonly stdout: string
    readonly stderr: string
  }> => {
    const end = { code: undefined as number | undefined, stdout: '', stderr: '' }
    const into = (name: 'stdout' | 'stderr'): Writable =>
      new Writable({ write: (chunk: Buffer, _, done) => (end[name] += chunk.toString(), done()) })
    await summaryCommand({ stdout: into('stdout'), stderr: into('stderr') }, (code) => (end.code = code)).exitOverride().parseAsync(args, { from: 'user' })
    return end
  }

  test('prints the table, and nothing else', async () => {
    const expected = modelSummaryText(await summarize({ model: 'regnet_x_400mf', classes: 3, size: 64, batchSize: 4 }))
    expect(await run('regnet_x_400mf', '--classes', '3', '--size', '64', '--batch-size', '4')).toEqual({ code: 0, stdout: expected, stderr: '' })
    expect(expected).toContain('            Conv2d-1            [4, 32, 32, 32]             864\n')
  })

  test('prints one JSON value with --json', async () => {
    const { code, stdout } = await run(at('best.safetensors'), '--batch-size', '-1', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(await summarize({ model: at('best.safetensors') }))
  })
})
