import type { ResizeRule } from '../../images/resize-rule.js'
import type { StateDict } from '../../formats/tensor.js'
import type { ModelMetadata } from '../../runs/model-metadata.js'
import { type BatchNormNode, type ConvNode, GRAPH_INPUT, type GraphNode, type ModelGraph } from '../../addon/model-graph.js'
import { TorchgraftError } from '../../errors.js'
import { GraphBuilder } from './graph-builder.js'
import { DATA_TYPE, type OnnxGraph, value } from './onnx-model.js'

export const INPUT = 'images'
export const OUTPUT = 'probabilities'
const WHITE = 255

export interface OnnxOptions {
  /** Weights in half precision, widened where they are used; biases stay float32. */
  readonly fp16: boolean
}

type Described = Pick<ModelMetadata, 'model' | 'classes' | 'size' | 'resize' | 'mean' | 'std'>

/**
 * A model as an ONNX graph: `images` [n, size, size, 3] to `probabilities`, float32 [n, classes]. Normalization and softmax are in
 * it, and each batch norm is folded into the convolution before it. In the order of the model's graph: equal models give equal bytes.
 *
 * @throws ERR_STATE_DICT_MISMATCH where a tensor is missing, or is no model's of that name
 */
export function onnxGraph(layers: ModelGraph, tensors: StateDict, metadata: Described, { fp16 }: OnnxOptions): OnnxGraph {
  const { model, classes, size, resize, mean, std } = metadata
  const graph = new GraphBuilder(tensors, { model, fp16 })
  const input = value(INPUT, DATA_TYPE[inputType(resize)], ['n', size, size, 3])
  const logits = addLayers(graph, layers, normalize(graph, mean, std))
  const output = graph.node(OUTPUT, 'Softmax', [logits], { axis: 1 })
  if (graph.unused.length > 0)
    throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', `No ${model} has ${graph.unused.slice(0, 5).join(', ')}`)
  return {
    name: model,
    node: graph.nodes,
    initializer: graph.weights,
    input: [input],
    output: [value(output, DATA_TYPE.float32, ['n', classes.length])],
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

/** All layers, each node of ONNX's as the model's own. @returns the logits' name */
function addLayers(graph: GraphBuilder, layers: ModelGraph, images: string): string {
  const norms = normsBehind(layers)
  const outputs = new Map([[GRAPH_INPUT, images]])
  for (const node of layers) {
    const norm = node.op === 'conv' ? norms.get(node.name) : undefined
    if (node.op === 'batch-norm') outputs.set(node.name, outputs.get(node.inputs[0]!)!) // it is in that convolution
    else outputs.set(node.name, addLayer(graph, node, norm, node.inputs.map((input) => outputs.get(input)!)))
  }
  return outputs.get(layers.at(-1)!.name)!
}

type UnfoldedNode = Exclude<GraphNode, BatchNormNode>

function addLayer(graph: GraphBuilder, node: UnfoldedNode, norm: BatchNormNode | undefined, inputs: readonly string[]): string {
  switch (node.op) {
    case 'conv': return graph.conv(node, norm, inputs)
    case 'linear': return graph.linear(node, inputs)
    case 'activation': return graph.node(node.name, node.type === 'relu' ? 'Relu' : 'Sigmoid', inputs)
    case 'add': return graph.node(node.name, 'Add', inputs)
    case 'mul': return graph.node(node.name, 'Mul', inputs)
    case 'global-avg-pool': return graph.node(node.name, 'GlobalAveragePool', inputs)
    case 'flatten': return graph.node(node.name, 'Flatten', inputs, { axis: 1 })
  }
}

/** The batch norm behind each convolution that has one, by the convolution's name. */
function normsBehind(layers: ModelGraph): ReadonlyMap<string, BatchNormNode> {
  const convs = new Map(layers.filter((node): node is ConvNode => node.op === 'conv').map((node) => [node.name, node]))
  const norms = new Map<string, BatchNormNode>()
  for (const node of layers) {
    if (node.op !== 'batch-norm') continue
    const conv = convs.get(node.inputs[0]!)
    const readers = layers.filter(({ inputs }) => conv && inputs.includes(conv.name))
    if (!conv || readers.length > 1) throw new Error(`${node.name} cannot be folded: no convolution ends in it alone`)
    norms.set(conv.name, node)
  }
  return norms
}
