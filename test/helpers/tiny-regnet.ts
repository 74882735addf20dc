import { byteLength, type StateDict, type Tensor } from '../../src/formats/tensor.js'

const CHANNELS = 4
const WIDTH = 8
const GROUP = 4
const SQUEEZED = 2
export const TINY_CLASSES = ['ant', 'bee', 'cat']

/** A RegNetY of one stage with two blocks, named as torchvision names a large one's: a graph is made of it without the addon. */
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
