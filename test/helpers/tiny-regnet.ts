import { GRAPH_INPUT, type GraphNode, type ModelGraph } from '../../src/addon/model-graph.js'
import { byteLength, type StateDict, type Tensor } from '../../src/formats/tensor.js'

const CHANNELS = 4
const WIDTH = 8
const GROUP = 4
const SQUEEZED = 2
export const TINY_CLASSES = ['ant', 'bee', 'cat']

/** A RegNetY of one stage with two blocks, named as torchvision names a large one's. */
export function tinyRegNet(): StateDict {
  const tensors = new Map<string, Tensor>()
  let number = 0
  const put = (name: string, shape: readonly number[], dtype: Tensor['dtype'] = 'float32'): void => {
    const data = new Uint8Array(byteLength(dtype, shape))
    if (dtype === 'float32') new Float32Array(data.buffer).forEach((_, i, numbers) => (numbers[i] = name.endsWith('var') ? 1 + (i % 3) : Math.sin(++number)))
    tensors.set(name, { dtype, shape, data })
  }
  const convNorm = (path: string, shape: readonly [number, number, number, number]): void => {
    put(`${path}.0.weight`, shape)
    for (const name of ['weight', 'bias', 'running_mean', 'running_var']) put(`${path}.1.${name}`, [shape[0]])
    put(`${path}.1.num_batches_tracked`, [], 'int64')
  }
  const conv = (path: string, shape: readonly number[]): void => {
    put(`${path}.weight`, shape)
    put(`${path}.bias`, [shape[0]!])
  }
  convNorm('stem', [CHANNELS, 3, 3, 3])
  for (const [i, input] of [CHANNELS, WIDTH].entries()) {
    const path = `trunk_output.block1.block1-${i}`
    if (i === 0) convNorm(`${path}.proj`, [WIDTH, input, 1, 1])
    convNorm(`${path}.f.a`, [WIDTH, input, 1, 1])
    convNorm(`${path}.f.b`, [WIDTH, GROUP, 3, 3])
    conv(`${path}.f.se.fc1`, [SQUEEZED, WIDTH, 1, 1])
    conv(`${path}.f.se.fc2`, [WIDTH, SQUEEZED, 1, 1])
    convNorm(`${path}.f.c`, [WIDTH, WIDTH, 1, 1])
  }
  conv('fc', [TINY_CLASSES.length, WIDTH])
  return tensors
}

/** Its layers, as the addon describes those of large ones. */
export function tinyGraph(): ModelGraph {
  const nodes: GraphNode[] = []
  const add = (node: GraphNode): string => (nodes.push(node), node.name)
  const activation = (name: string, input: string, type: 'relu' | 'sigmoid' = 'relu'): string => add({ op: 'activation', name, inputs: [input], type })
  const fc = (name: string, input: string): string => {
    return add({ op: 'conv', name, inputs: [input], weight: `${name}.weight`, bias: `${name}.bias`, kernel: 1, stride: 1, padding: 0, groups: 1 })
  }
  const convNorm = (path: string, input: string, { kernel = 1, stride = 1, groups = 1 } = {}): string => {
    const conv = add({ op: 'conv', name: path, inputs: [input], weight: `${path}.0.weight`, kernel, stride, padding: (kernel - 1) / 2, groups })
    const [weight, bias, runningMean, runningVar] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => `${path}.1.${name}`) as [string, string, string, string]
    return add({ op: 'batch-norm', name: `${path}.norm`, inputs: [conv], weight, bias, runningMean, runningVar, eps: 1e-5 })
  }
  const convNormRelu = (path: string, input: string, options = {}): string => activation(`${path}.relu`, convNorm(path, input, options))
  let x = convNormRelu('stem', GRAPH_INPUT, { kernel: 3, stride: 2 })
  for (const i of [0, 1]) {
    const path = `trunk_output.block1.block1-${i}`
    const stride = i === 0 ? 2 : 1
    const b = convNormRelu(`${path}.f.b`, convNormRelu(`${path}.f.a`, x), { kernel: 3, stride, groups: WIDTH / GROUP })
    const se = `${path}.f.se`
    const squeezed = activation(`${se}.relu`, fc(`${se}.fc1`, add({ op: 'global-avg-pool', name: `${se}.avgpool`, inputs: [b] })))
    const scaled = add({ op: 'mul', name: se, inputs: [b, activation(`${se}.sigmoid`, fc(`${se}.fc2`, squeezed), 'sigmoid')], module: 'SqueezeExcitation' })
    const main = convNorm(`${path}.f.c`, scaled)
    const shortcut = i === 0 ? convNorm(`${path}.proj`, x, { stride }) : x
    x = add({ op: 'activation', name: path, inputs: [add({ op: 'add', name: `${path}.sum`, inputs: [shortcut, main] })], type: 'relu', module: 'ResBottleneckBlock' })
  }
  x = add({ op: 'flatten', name: 'flatten', inputs: [add({ op: 'global-avg-pool', name: 'avgpool', inputs: [x] })] })
  add({ op: 'linear', name: 'fc', inputs: [x], weight: 'fc.weight', bias: 'fc.bias' })
  return nodes
}
