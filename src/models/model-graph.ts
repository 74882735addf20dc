import { loadAddon } from '../addon/load.js'
import type { ModelGraph } from '../addon/model-graph.js'
import type { ModelName } from './catalogue.js'

/** Names of the weight and the bias of the layer that gives a model's logits. */
export function headNames(model: ModelName): readonly string[] {
  return loadAddon().describe(model, 1).tensors.filter(({ head }) => head).map(({ name }) => name)
}

/** `totalStride` of a model. */
export function strideOf(model: ModelName): number {
  return totalStride(loadAddon().describe(model, 1).graph)
}

/** How many pixels of an image lie between two of the last feature map: the product of the strides on the way there. */
export function totalStride(graph: ModelGraph): number {
  const strides = new Map<string, number>()
  for (const node of graph) {
    const before = Math.max(1, ...node.inputs.map((input) => strides.get(input) ?? 1))
    strides.set(node.name, before * (node.op === 'conv' ? node.stride : 1))
  }
  return Math.max(1, ...strides.values())
}
