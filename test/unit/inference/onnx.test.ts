import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ModelMetadata } from '../../../src/runs/model-metadata.js'
import { float32Tensor, type StateDict } from '../../../src/formats/tensor.js'
import { foldBatchNorm } from '../../../src/inference/onnx/fold-batch-norm.js'
import { inspectFile } from '../../../src/inference/inspect.js'
import { loadOnnxRuntime } from '../../../src/inference/onnx/onnx-runtime.js'
import { encodeOnnx, readOnnxMetadata, writeOnnx } from '../../../src/inference/onnx/onnx-file.js'
import type { OnnxModel, OnnxNode } from '../../../src/inference/onnx/onnx-model.js'
import { onnxGraph } from '../../../src/inference/onnx/onnx-graph.js'
import { toOnnx } from '../../../src/inference/onnx/to-onnx.js'
import { temporaryFolder } from '../../helpers/files/temporary-folder.js'
import { TINY_CLASSES, tinyGraph, tinyRegNet } from '../../helpers/tiny-regnet.js'

const METADATA: ModelMetadata = {
  formatVersion: 1, model: 'regnet_y_400mf', classes: TINY_CLASSES, size: 32,
  resize: { shorterSide: 37, crop: 32, antialias: true, pad: null, orient: true, profile: true },
  mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.5],
  weights: { name: 'some', sha256: 'f', licence: 'for study only' },
}
const WHOLE: ModelMetadata = { ...METADATA, resize: { shorterSide: null, crop: null, antialias: false, pad: 'square', orient: false, profile: false } }
const onnx = (tensors: StateDict = tinyRegNet(), metadata = METADATA, fp16 = false): OnnxModel =>
  toOnnx(tinyGraph(), tensors, metadata, { fp16 })
const nodeOf = (model: OnnxModel, name: string): OnnxNode | undefined => model.graph.node.find((node) => node.name === name)
const settingsOf = (model: OnnxModel, name: string): Record<string, unknown> =>
  Object.fromEntries(nodeOf(model, name)?.attribute.map(({ name: key, i, ints }) => [key, i ?? ints]) ?? [])

test.each([
  ['nothing to do', [2, 4], { weight: [1], bias: [0], mean: [0], variance: [1 - 1e-5] }, [2, 4], [0]],
  ['scaled', [2, 4], { weight: [3], bias: [0], mean: [0], variance: [9 - 1e-5] }, [2, 4], [0]],
  ['shifted', [2, 4], { weight: [2], bias: [1], mean: [5], variance: [4 - 1e-5] }, [2, 4], [-4]],
  [
    'channel by channel', [1, 1, 1, 1], { weight: [1, 2], bias: [0, 3], mean: [1, 1], variance: [1 - 1e-5, 1 - 1e-5] },
    [1, 1, 2, 2], [-1, 1],
  ],
] as const)('batch norm is folded into the convolution before it: %s', (_, kernel, norm, expected, bias) => {
  const vectors = {
    eps: 1e-5, weight: Float32Array.from(norm.weight), bias: Float32Array.from(norm.bias), mean: Float32Array.from(norm.mean),
    variance: Float32Array.from(norm.variance),
  }
  const folded = foldBatchNorm(Float32Array.from(kernel), undefined, vectors)
  expected.forEach((value, i) => expect(folded.kernel[i]).toBeCloseTo(value, 6))
  bias.forEach((value, i) => expect(folded.bias[i]).toBeCloseTo(value, 6))
})

describe('the graph', () => {
  test('goes from bytes to probabilities, and each node takes what there is already', () => {
    const { graph } = onnx()
    const known = new Set([...graph.input.map(({ name }) => name), ...graph.initializer.map(({ name }) => name)])
    for (const { name, input, output } of graph.node) {
      expect([name, input.filter((each) => !known.has(each))]).toEqual([name, []])
      for (const each of output) expect([each, known.has(each)]).toEqual([each, false])
      output.forEach((each) => known.add(each))
    }
    expect(graph.output.map(({ name }) => name)).toEqual(['probabilities'])
    expect(graph.node.at(-1)).toMatchObject({ opType: 'Softmax', output: ['probabilities'] })
    expect(new Set(graph.node.map(({ opType }) => opType))).not.toContain('BatchNormalization')
  })

  test('halves the image where a stage begins, and groups the middle convolutions alone', () => {
    const model = onnx()
    const block = (i: number): string => `trunk_output.block1.block1-${i}`
    const halving = model.graph.node.filter(({ opType, name }) => opType === 'Conv' && JSON.stringify(settingsOf(model, name)['strides']) === '[2,2]')
    expect(halving.map(({ name }) => name)).toEqual(['stem', `${block(0)}.f.b`, `${block(0)}.proj`])
    expect(settingsOf(model, `${block(1)}.f.b`)).toEqual({ dilations: [1, 1], group: 2, kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] })
    expect(settingsOf(model, `${block(1)}.f.c`)).toMatchObject({ group: 1, kernel_shape: [1, 1], pads: [0, 0, 0, 0] })
    expect(nodeOf(model, `${block(1)}.sum`)?.input).toEqual([block(0), `${block(1)}.f.c`])
    expect(nodeOf(model, `${block(0)}.sum`)?.input).toEqual([`${block(0)}.proj`, `${block(0)}.f.c`])
  })

  test('takes bytes where images were cropped to its size, and floats where they are scaled', () => {
    const type = (metadata: ModelMetadata): unknown => onnx(tinyRegNet(), metadata).graph.input[0]?.type.tensorType
    expect(type(METADATA)).toEqual({ elemType: 2, shape: { dim: [{ dimParam: 'n' }, { dimValue: 32 }, { dimValue: 32 }, { dimValue: 3 }] } })
    expect(type(WHOLE)).toMatchObject({ elemType: 1 })
  })

  test('a missing tensor, and one too many, are told of by name', () => {
    const without = new Map([...tinyRegNet()].filter(([name]) => name !== 'trunk_output.block1.block1-1.f.se.fc2.bias'))
    expect(() => onnxGraph(tinyGraph(), without, METADATA, { fp16: false })).toThrow('The model has no trunk_output.block1.block1-1.f.se.fc2.bias')
    const more = new Map([...tinyRegNet(), ['head.weight', float32Tensor([1], new Float32Array(1))] as const])
    expect(() => onnxGraph(tinyGraph(), more, METADATA, { fp16: false })).toThrow('No regnet_y_400mf has head.weight')
  })

  test('in half precision, weights are halves and biases are not', () => {
    const { graph } = onnx(tinyRegNet(), METADATA, true)
    const kinds = new Map(graph.initializer.map(({ name, dataType }) => [name, dataType]))
    expect(kinds.get('stem.weight')).toBe(10)
    expect(kinds.get('stem.bias')).toBe(1)
    expect(kinds.get('normalize.scale')).toBe(1)
    expect(graph.node.find(({ name }) => name === 'stem.weight.float')).toMatchObject({ opType: 'Cast', input: ['stem.weight'] })
  })

  test('a weight beyond what half precision holds is refused by name', () => {
    const large = new Map(tinyRegNet())
    large.set('fc.weight', float32Tensor([3, 8], new Float32Array(24).fill(1e5)))
    expect(() => onnx(large, METADATA, true)).toThrow(/^fc\.weight holds 100000, which is beyond what fp16 can hold/)
  })
})

describe('the file', () => {
  test('equal models have equal bytes, and another weight gives others', () => {
    const bytes = Buffer.from(encodeOnnx(onnx()))
    expect(bytes.equals(encodeOnnx(onnx()))).toBe(true)
    const other = new Map(tinyRegNet())
    other.set('fc.bias', float32Tensor([3], Float32Array.of(1, 2, 3)))
    expect(bytes.equals(encodeOnnx(onnx(other)))).toBe(false)
  })

  test('tells all that predicting needs, for torchgraft and for people', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'model.onnx')
    const bytes = await writeOnnx(file, onnx())
    expect(bytes).toBe((await readFile(file)).length)
    expect(await readOnnxMetadata(file)).toEqual(METADATA)
    expect(onnx().docString).toBe([
      'regnet_y_400mf, 3 classes.',
      'images: uint8 [n, 32, 32, 3], RGB from 0 to 255, turned as the camera says, resized to a shorter side of 37 (bilinear, antialiased), the middle 32 × 32. Normalization is in the graph.',
      'probabilities: float32 [n, 3], in the order of "classes" in the metadata "torchgraft" (JSON).',
      'Training began from some. Its licence: for study only',
    ].join('\n'))
    expect(onnx(tinyRegNet(), WHOLE).docString).toContain('images: float32 [n, 32, 32, 3], RGB from 0 to 255, put in the middle of a black square, resized to 32 × 32 (bilinear, not antialiased, not rounded).')
  })

  test('is told of by inspect, tensor by tensor', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'model.onnx')
    await writeOnnx(file, onnx(tinyRegNet(), METADATA, true))
    const { kind, model, metadata, tensors } = await inspectFile(file)
    expect({ kind, model, metadata }).toEqual({ kind: 'onnx', model: 'regnet_y_400mf', metadata: { producer: 'torchgraft', ...METADATA } })
    expect(tensors).toContainEqual({ name: 'trunk_output.block1.block1-0.f.b.weight', dtype: 'float16', shape: [8, 4, 3, 3] })
    expect(tensors).toContainEqual({ name: 'fc.bias', dtype: 'float32', shape: [3] })
  })

  test('one that is cut short, another’s, or none, is refused with the reason', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'model.onnx')
    const refused = async (content: Uint8Array | undefined, reason: RegExp): Promise<void> => {
      if (content) await writeFile(file, content)
      await expect(readOnnxMetadata(content ? file : join(folder.path, 'nothing.onnx'))).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT', message: expect.stringMatching(reason) })
    }
    await refused(undefined, /There is no file/)
    await refused(encodeOnnx(onnx()).subarray(0, 900), /no whole ONNX file/)
    await refused(encodeOnnx({ ...onnx(), metadataProps: [] }), /torchgraft did not write it/)
    await refused(encodeOnnx({ ...onnx(), metadataProps: [{ key: 'torchgraft', value: '{"formatVersion":1}' }] }), /has no valid model, classes/)
  })

  test('is told of without being read, however large', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'model.onnx')
    // A graph of one tensor with 3 GiB of weights, which the disk need not hold, and metadata behind it.
    const weights = 3 * 2 ** 30
    const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))])
    const field = (number: number, content: readonly number[]): number[] => [number * 8 + 2, ...varint(content.length), ...content]
    const text = (value: string): number[] => [...Buffer.from(value)]
    const tensor = [...field(1, [3, 2]), 8, 1, 16, 1, ...field(8, text('w')), 9 * 8 + 2, ...varint(weights)] // dims packed, and one more by itself
    const graph = [5 * 8 + 2, ...varint(tensor.length + weights), ...tensor]
    const begin = [8, 9, ...field(2, text('me')), 7 * 8 + 2, ...varint(graph.length + weights), ...graph]
    const entry = field(14, [...field(1, text('torchgraft')), ...field(2, text(JSON.stringify(METADATA)))])
    const file = await open(path, 'w')
    await file.write(Uint8Array.from(begin), 0, begin.length, 0)
    await file.write(Uint8Array.from(entry), 0, entry.length, begin.length + weights)
    await file.close()
    expect(await inspectFile(path)).toMatchObject({ kind: 'onnx', model: 'regnet_y_400mf', metadata: { producer: 'me', size: 32 }, tensors: [{ name: 'w', dtype: 'float32', shape: [3, 2, 1] }], bytes: begin.length + weights + entry.length })
    expect(await readOnnxMetadata(path)).toEqual(METADATA)
  })

  test.each<[string, readonly number[], RegExp]>([
    ['a field longer than the file', [8, 9, 0x12, 100], /cut short/],
    ['a field longer than the one around it', [8, 9, 0x3a, 4, 0x2a, 100, 0, 0], /cut short/],
    ['a number without an end', [8, ...Array.from({ length: 20 }, () => 255)], /more than 10 bytes/],
    ['a group, which ONNX has not', [8, 9, 0x13], /no known kind/],
    ['a field of number 0', [8, 9, 0x02, 0], /no known kind/],
    ['600,000 fields', Array.from({ length: 600_000 }, () => [8, 9]).flat(), /more fields/],
    ['a tensor of 100 dimensions', [8, 9, 0x3a, 202, 1, 0x2a, 199, 1, ...Array.from({ length: 99 }, () => [8, 1]).flat(), 0], /more dimensions|cut short/],
    ['a name of a megabyte', [8, 9, 0x12, 0x80, 0x80, 0x40, ...Buffer.alloc(1 << 20)], /a text of 1048576 bytes/],
  ])('one with %s is refused', async (_, bytes, message) => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'model.onnx')
    await writeFile(path, Uint8Array.from(bytes))
    await expect(readOnnxMetadata(path)).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT', message: expect.stringMatching(message) as string,
    })
  })

  test('more than an ONNX file may have is refused before it is written, with what to do', () => {
    const huge = { name: 'w', dims: [1], dataType: 1, rawData: { length: 2.6e9 } as Uint8Array }
    const model = onnx()
    expect(() => encodeOnnx({ ...model, graph: { ...model.graph, initializer: [huge] } })).toThrow('regnet_y_400mf takes 2.6 GB as ONNX, and an ONNX file can hold 2.1 GB at most. fp16: true halves it')
  })
})

test('where no onnxruntime is installed, the error says how to have one', async () => {
  await expect(loadOnnxRuntime([])).rejects.toMatchObject({ code: 'ERR_RUNTIME_MISSING', message: 'A .onnx file takes onnxruntime, installed where torchgraft or your program is: npm install onnxruntime-node (or onnxruntime-web, slower and smaller)' })
})
