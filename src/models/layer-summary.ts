import { elements } from '../formats/tensor.js'
import type { NativeModel } from '../addon/binding.js'
import { GRAPH_INPUT, type GraphNode, type ModelGraph } from '../addon/model-graph.js'

export interface LayerSummary {
  /** Its type and its place, counted from 1: "Conv2d-1". */
  readonly name: string
  readonly type: LayerType
  /** Of its output: batch, channels, height, width; of the head: batch, classes. */
  readonly shape: readonly number[]
  /** Its own, without those of the layers inside it. */
  readonly parameters: number
}

type Shapes = ReadonlyMap<string, readonly number[]>

/** torchvision's modules, by their classes. */
export type LayerType = 'Conv2d' | 'BatchNorm2d' | 'ReLU' | 'Sigmoid' | 'AdaptiveAvgPool2d' | 'Linear'
  | 'SqueezeExcitation' | 'ResBottleneckBlock'

/** A model's layers with the shapes of their outputs, for images of size × size, as `torchsummary` lists them: each where it ends. */
export function layersOf({ tensors, graph }: NativeModel, size: number, batchSize: number): LayerSummary[] {
  const shapeOf = new Map(tensors.map(({ name, shape }) => [name, shape]))
  const outputs = new Map<string, readonly number[]>([[GRAPH_INPUT, [3, size, size]]])
  for (const node of graph) outputs.set(node.name, outputShape(node, outputs, shapeOf))
  const layers: LayerSummary[] = []
  const add = (type: LayerType, node: GraphNode, parameters: number): void => {
    layers.push({ name: `${type}-${layers.length + 1}`, type, shape: [batchSize, ...outputs.get(node.name)!], parameters })
  }
  for (const node of leftToRight(graph)) {
    const type = layerType(node)
    if (type) add(type, node, parametersOf(node, shapeOf))
    if (node.module) add(node.module, node, 0)
  }
  return layers
}

/** As Python runs a forward pass: of a sum the left operand first, which in a RegNet is the shortcut. The addon computes that last. */
function leftToRight(graph: ModelGraph): Iterable<GraphNode> {
  const nodes = new Map(graph.map((node) => [node.name, node]))
  const ordered = new Set<GraphNode>()
  const visit = (name: string): void => {
    const node = nodes.get(name)
    if (!node || ordered.has(node)) return
    for (const input of node.inputs) visit(input)
    ordered.add(node)
  }
  visit(graph.at(-1)!.name)
  return ordered
}

/** undefined: torchvision computes it by a function, which is no layer. */
function layerType(node: GraphNode): LayerType | undefined {
  switch (node.op) {
    case 'conv': return 'Conv2d'
    case 'batch-norm': return 'BatchNorm2d'
    case 'activation': return node.type === 'relu' ? 'ReLU' : 'Sigmoid'
    case 'global-avg-pool': return 'AdaptiveAvgPool2d'
    case 'linear': return 'Linear'
    case 'add':
    case 'mul':
    case 'flatten': return undefined
  }
}

/** Without the batch: [channels, height, width], or [features]. */
function outputShape(node: GraphNode, outputs: Shapes, tensors: Shapes): readonly number[] {
  const input = outputs.get(node.inputs[0]!)!
  const [channels = 0, height = 0, width = 0] = input
  switch (node.op) {
    case 'conv': {
      const side = (before: number): number => Math.floor((before + 2 * node.padding - node.kernel) / node.stride) + 1
      return [tensors.get(node.weight)![0]!, side(height), side(width)]
    }
    case 'global-avg-pool': return [channels, 1, 1]
    case 'flatten': return [elements(input)]
    case 'linear': return [tensors.get(node.weight)![0]!]
    case 'batch-norm':
    case 'activation':
    case 'add':
    case 'mul': return input
  }
}

function parametersOf(node: GraphNode, tensors: Shapes): number {
  const names = node.op === 'conv' || node.op === 'batch-norm' || node.op === 'linear' ? [node.weight, node.bias] : []
  return names.reduce((sum, name) => sum + (name === undefined ? 0 : elements(tensors.get(name)!)), 0)
}
