import type { ModelMetadata } from '../../runs/model-metadata.js'
import type { ResizeRule } from '../../images/resize-rule.js'
import { TorchgraftError } from '../../errors.js'
import type { StateDict } from '../../formats/tensor.js'
import { GraphBuilder } from './graph-builder.js'
import { DATA_TYPE, type OnnxGraph, value } from './onnx-model.js'

export const INPUT = 'images'
export const OUTPUT = 'probabilities'
const WHITE = 255

export interface RegNetGraphOptions {
  /** Weights in half precision, widened where they are used; biases stay float32. */
  readonly fp16: boolean
}

/**
 * The graph of a RegNet from its weights: `images` [n, size, size, 3] to `probabilities`, float32 [n, classes].
 * Normalization and softmax are in it, and batch norm is folded into the convolutions.
 *
 * @throws ERR_STATE_DICT_MISMATCH where a tensor is missing, or one is no RegNet's
 */
export function regnetGraph(tensors: StateDict, { model, classes, size, resize, mean, std }: Pick<ModelMetadata, 'model' | 'classes' | 'size' | 'resize' | 'mean' | 'std'>, options: RegNetGraphOptions): OnnxGraph {
  const graph = new GraphBuilder(tensors, options)
  const input = value(INPUT, DATA_TYPE[inputType(resize)], ['n', size, size, 3])
  let x = graph.convNorm('stem', normalize(graph, mean, std), { stride: 2, relu: true })
  for (const { path, first } of blocksOf(tensors)) x = block(graph, path, x, { first, has: (part) => tensors.has(`${path}.${part}`) })
  x = graph.node('flatten', 'Flatten', [graph.node('avgpool', 'GlobalAveragePool', [x])], { axis: 1 })
  x = graph.node(OUTPUT, 'Softmax', [graph.linear('fc', x)], { axis: 1 })
  if (graph.unused.length > 0) throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', `No RegNet has ${graph.unused.slice(0, 5).join(', ')}`)
  return {
    name: model,
    node: graph.nodes,
    initializer: graph.weights,
    input: [input],
    output: [value(x, DATA_TYPE.float32, ['n', classes.length])],
  }
}

/**
 * What `images` holds. Images that are scaled on their way into a batch are not rounded to bytes between: rounded ones give
 * probabilities that are up to 0.01 off.
 */
export function inputType({ crop }: Pick<ResizeRule, 'crop'>): 'uint8' | 'float32' {
  return crop === null ? 'float32' : 'uint8'
}

/** From pixels to what the model was trained on: one scale and one shift a channel, as the batches' kernel has them. */
function normalize(graph: GraphBuilder, mean: ModelMetadata['mean'], std: ModelMetadata['std']): string {
  const scale = graph.constant('normalize.scale', [1, 3, 1, 1], Float32Array.from(std, (part) => 1 / part / WHITE))
  const shift = graph.constant('normalize.shift', [1, 3, 1, 1], Float32Array.from(std, (part, channel) => -mean[channel]! / part))
  const pixels = graph.node('pixels', 'Cast', [INPUT], { to: DATA_TYPE.float32 })
  const planes = graph.node('planes', 'Transpose', [pixels], { perm: [0, 3, 1, 2] })
  return graph.node('normalized', 'Add', [graph.node('scaled', 'Mul', [planes, scale]), shift])
}

interface Block {
  readonly path: string
  /** Of its stage: the one that halves the image. */
  readonly first: boolean
}

/** In the order of a forward pass; `GraphBuilder.unused` tells of any that this would pass over. */
function* blocksOf(tensors: StateDict): Generator<Block> {
  for (let stage = 1; ; stage++) {
    for (let i = 0; ; i++) {
      const path = `trunk_output.block${stage}.block${stage}-${i}`
      if (tensors.has(`${path}.f.a.0.weight`)) yield { path, first: i === 0 }
      else if (i === 0) return
      else break
    }
  }
}

function block(graph: GraphBuilder, path: string, input: string, { first, has }: { readonly first: boolean; readonly has: (part: string) => boolean }): string {
  const stride = first ? 2 : 1
  let x = graph.convNorm(`${path}.f.a`, input, { stride: 1, relu: true })
  x = graph.convNorm(`${path}.f.b`, x, { stride, relu: true })
  if (has('f.se.fc1.weight')) x = squeezeExcitation(graph, `${path}.f.se`, x)
  x = graph.convNorm(`${path}.f.c`, x, { stride: 1, relu: false })
  const skip = has('proj.0.weight') ? graph.convNorm(`${path}.proj`, input, { stride, relu: false }) : input
  return graph.node(path, 'Relu', [graph.node(`${path}.sum`, 'Add', [skip, x])])
}

function squeezeExcitation(graph: GraphBuilder, path: string, input: string): string {
  const pooled = graph.node(`${path}.avgpool`, 'GlobalAveragePool', [input])
  const squeezed = graph.node(`${path}.relu`, 'Relu', [graph.conv(`${path}.fc1`, pooled)])
  const scale = graph.node(`${path}.sigmoid`, 'Sigmoid', [graph.conv(`${path}.fc2`, squeezed)])
  return graph.node(path, 'Mul', [input, scale])
}
