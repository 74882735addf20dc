import { loadAddon } from '../../src/addon/load.js'
import { MODEL_NAMES } from '../../src/models/catalogue.js'
import { headNames, totalStride } from '../../src/models/model-graph.js'
import { shippedGraph } from '../../src/models/shipped-graphs.js'
import { DEFAULT_RECIPE } from '../../src/recipes/default/recipe.js'
import { GRAPH_INPUT } from '../../src/addon/model-graph.js'
import { resolveSessionOptions } from '../../src/session/resolve-options.js'
import { resolveOptions } from '../../src/train/options/resolve.js'

describe.each(MODEL_NAMES)('%s', (model) => {
  const describeModel = () => loadAddon().describe(model, 18)

  test('has the graph that ships, from which ONNX is written without the addon (else: node scripts/write-graphs.mjs)', () => {
    expect(describeModel().graph).toEqual(shippedGraph(model))
  })

  test('each layer follows its inputs, and each tensor but batch norm’s counters belongs to one layer', () => {
    const { tensors, graph } = describeModel()
    const known = new Set([GRAPH_INPUT])
    for (const { name, inputs } of graph) {
      expect([name, inputs.filter((input) => !known.has(input))]).toEqual([name, []])
      known.add(name)
    }
    expect(known.size).toBe(graph.length + 1)
    const named = graph.flatMap((node) => {
      if (node.op === 'batch-norm') return [node.weight, node.bias, node.runningMean, node.runningVar]
      if (node.op === 'conv') return node.bias === undefined ? [node.weight] : [node.weight, node.bias]
      return node.op === 'linear' ? [node.weight, node.bias] : []
    })
    expect(named.sort()).toEqual(tensors.map(({ name }) => name).filter((name) => !name.endsWith('.num_batches_tracked')).sort())
  })

  test('halves an image five times, and its head is fc', () => {
    expect(totalStride(describeModel().graph)).toBe(32)
    expect(headNames(model)).toEqual(['fc.weight', 'fc.bias'])
  })

  test('the default recipe decays the weights of convolutions and of the head by name, and nothing else', async () => {
    const options = DEFAULT_RECIPE.sessionOptions(resolveOptions({ model, weights: null, device: 'cpu', precision: 'fp32' }), 18, [], false)
    const { native, parameters } = await resolveSessionOptions(options, loadAddon())
    const groups = Array.from(native.groupOf, (group) => native.optimizer.groups[group]!)
    const shapes = new Map(describeModel().tensors.map(({ name, shape }) => [name, shape]))
    const vectors = parameters.filter((name) => shapes.get(name)!.length === 1) // timm's rule: those are norms and biases
    expect(parameters.filter((_, i) => groups[i]!.weightDecay === 0)).toEqual(vectors)
    expect(parameters.filter((_, i) => groups[i]!.weightDecay === 0.02)).toEqual(parameters.filter((name) => !vectors.includes(name)))
    expect(parameters.filter((_, i) => groups[i]!.lrScale === 2)).toEqual(['fc.weight', 'fc.bias'])
  })
})
