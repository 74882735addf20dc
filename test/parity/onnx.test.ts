import { spawnSync } from 'node:child_process'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ModelMetadata } from '../../src/runs/model-metadata.js'
import { Session } from '../../src/session/session.js'
import { MODEL_NAMES } from '../../src/models/catalogue.js'
import { writeOnnx } from '../../src/inference/onnx/onnx-file.js'
import { toOnnx } from '../../src/inference/onnx/to-onnx.js'
import { loadAddon } from '../../src/addon/load.js'
import { ROOT, runNode } from '../helpers/processes/child.js'
import { findPython, runPython } from '../helpers/processes/python.js'
import { skip } from '../helpers/skip.js'
import { temporaryFolder } from '../helpers/files/temporary-folder.js'
import { CLASSES, formulaBatch, loadFormula, MEAN, STD } from './formula.js'
import { expectParity, furthest, largest } from './rows.js'

const SIZE = 64
const COUNT = 2
const TOLERANCE = 1e-4
/** Weights with 11 bits. */
const HALF_TOLERANCE = 1e-3
/** Above 60 million parameters. */
const LARGE = new Set(['regnet_y_16gf', 'regnet_y_32gf', 'regnet_y_128gf', 'regnet_x_32gf'])
const runLarge = process.env['TORCHGRAFT_TEST_LARGE'] === '1'
/** Where an onnxruntime of one's own is installed, such as onnxruntime-node. */
const runtime = process.env['TORCHGRAFT_TEST_ONNXRUNTIME'] ?? ROOT

const python = findPython()
const checker = python !== undefined && spawnSync(python, ['-c', 'import onnx']).status === 0 ? python : undefined

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const at = (name: string): string => join(folder.path, name)
beforeAll(async () => (folder = await temporaryFolder()))
afterAll(() => folder[Symbol.asyncDispose]())

function metadataOf(model: ModelMetadata['model'], crop: number | null): ModelMetadata {
  return {
    formatVersion: 1, model, classes: Array.from({ length: CLASSES }, (_, i) => `class ${i}`), size: SIZE,
    resize: { shorterSide: crop, crop, antialias: true, pad: null, orient: true, profile: true },
    mean: [MEAN, MEAN, MEAN], std: [STD, STD, STD],
  }
}

function softmax(logits: Float32Array): number[] {
  return Array.from({ length: COUNT }, (_, i) => {
    const row = logits.subarray(i * CLASSES, (i + 1) * CLASSES)
    const powers = Array.from(row, (logit) => Math.exp(logit - Math.max(...row)))
    return powers.map((power) => power / powers.reduce((a, b) => a + b, 0))
  }).flat()
}

/** The formula's weights and images, here and by onnxruntime. */
async function compare(model: ModelMetadata['model'], { fp16 = false, crop = SIZE }: { readonly fp16?: boolean; readonly crop?: number | null } = {}) {
  const file = at(`${model}${fp16 ? '-fp16' : ''}.onnx`)
  const batch = formulaBatch(COUNT, SIZE)
  let ours: number[]
  let bytes: number
  {
    await using session = await Session.create({ model, classes: CLASSES, precision: 'fp32', device: 'cpu', threads: 2, freeze: 'trunk' })
    await loadFormula(session)
    ours = softmax((await session.evalStep(batch)).logits)
    const { graph } = loadAddon().describe(model, CLASSES)
    bytes = await writeOnnx(file, toOnnx(graph, await session.stateDict(), metadataOf(model, crop), { fp16 }))
  }
  const { pixels } = batch.images
  await writeFile(at('pixels'), crop === null ? new Uint8Array(Float32Array.from(pixels).buffer) : pixels)
  const end = await runNode([fileURLToPath(new URL('../helpers/processes/run-onnx.mjs', import.meta.url)), file, crop === null ? 'float32' : 'uint8', at('pixels'), String(COUNT), String(SIZE)], { cwd: runtime })
  expect(end).toMatchObject({ code: 0 })
  const { name, probabilities } = JSON.parse(end.stdout) as { name: string; probabilities: number[] }
  expect(largest(ours)).toBeLessThan(0.999) // else their softmax would tell nothing of the logits
  return { file, bytes, name, difference: furthest(ours, probabilities) }
}

describe('a model as ONNX gives the probabilities that it gives here', () => {
  test.each(MODEL_NAMES.filter((model) => runLarge || !LARGE.has(model)))('%s', async (model) => {
    const fp16 = model === 'regnet_y_128gf' // in float32 it is more than a file may have
    const { file, bytes, name, difference } = await compare(model, { fp16 })
    expectParity(`probabilities of ${model} at ${SIZE} px on ${name}${fp16 ? ', fp16' : ''}, ${(bytes / 1e6).toFixed(1)} MB`, difference, fp16 ? HALF_TOLERANCE : TOLERANCE)
    if (!checker) return
    expect(await runPython(checker, 'onnx_check.py', file)).toEqual({
      opset: [13],
      inputs: { images: ['UINT8', ['n', SIZE, SIZE, 3]] },
      outputs: { probabilities: ['FLOAT', ['n', CLASSES]] },
      operators: [...['Add', 'Cast', 'Conv', 'Flatten', 'Gemm', 'GlobalAveragePool', 'Mul', 'Relu'], ...(model.startsWith('regnet_y') ? ['Sigmoid'] : []), 'Softmax', 'Transpose'],
      classes: metadataOf(model, SIZE).classes,
    })
  }, 600_000)

  for (const model of runLarge ? [] : LARGE) skip(`${model} as ONNX`, 'has more than 60 million parameters: set TORCHGRAFT_TEST_LARGE=1, and TORCHGRAFT_TEST_ONNXRUNTIME to a folder with onnxruntime-node')
  if (!checker) skip('onnx.checker', 'there is no Python with torch and onnx: name one as TORCHGRAFT_PYTHON')

  test('weights in half precision take half the file', async () => {
    const { file, difference } = await compare('regnet_y_400mf', { fp16: true })
    expectParity('probabilities of regnet_y_400mf on onnxruntime, fp16', difference, HALF_TOLERANCE)
    expect((await stat(file)).size).toBeLessThan(0.52 * (await stat(at('regnet_y_400mf.onnx'))).size)
  })

  test('a model whose images are scaled in the batch takes floats', async () => {
    const { difference } = await compare('regnet_x_400mf', { crop: null })
    expectParity('probabilities of regnet_x_400mf on onnxruntime, from floats', difference, TOLERANCE)
  })
})
