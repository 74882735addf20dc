import { TorchgraftError } from '../../errors.js'
import { byteLength, describeTensor, float32Tensor, type StateDict, type Tensor, toFloat16, toFloat32 } from '../../formats/tensor.js'
import type { BatchNormNode, ConvNode, LinearNode } from '../../addon/model-graph.js'
import { type BatchNorm, foldBatchNorm } from './fold-batch-norm.js'
import { attributes, DATA_TYPE, type OnnxNode, type OnnxTensor } from './onnx-model.js'

type Settings = Readonly<Record<string, number | readonly number[]>>

/** Collects nodes and weights, and sees that each tensor of a model is used. A node's name is its output's. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = []
  readonly weights: OnnxTensor[] = []
  readonly #tensors: StateDict
  readonly #unused: Set<string>
  readonly #model: string
  readonly #fp16: boolean

  constructor(tensors: StateDict, { model, fp16 }: { readonly model: string; readonly fp16: boolean }) {
    this.#tensors = tensors
    this.#model = model
    this.#fp16 = fp16
    this.#unused = new Set([...tensors.keys()].filter((name) => !name.endsWith('.num_batches_tracked')))
  }

  get unused(): readonly string[] {
    return [...this.#unused]
  }

  /** @returns the output's name */
  node(name: string, opType: string, input: readonly string[], settings: Settings = {}): string {
    this.nodes.push({ name, opType, input, output: [name], attribute: attributes(settings) })
    return name
  }

  /** Numbers that stay float32. */
  constant(name: string, shape: readonly number[], numbers: Float32Array<ArrayBuffer>): string {
    return this.#add(name, float32Tensor(shape, numbers))
  }

  /** A convolution, with the batch norm behind it folded in where there is one. */
  conv(node: ConvNode, norm: BatchNormNode | undefined, input: readonly string[]): string {
    const { name, kernel: side, stride, padding, groups } = node
    return this.node(name, 'Conv', [...input, ...this.#parameters(node, norm)], {
      dilations: [1, 1], group: groups, kernel_shape: [side, side], pads: [padding, padding, padding, padding], strides: [stride, stride],
    })
  }

  linear(node: LinearNode, input: readonly string[]): string {
    return this.node(node.name, 'Gemm', [...input, ...this.#parameters(node)], { transB: 1 })
  }

  /** Adds a layer's weight and bias, and gives their names. */
  #parameters({ name, weight, bias }: ConvNode | LinearNode, norm?: BatchNormNode): string[] {
    const { shape, kernel, shift } = this.#affine(weight, bias, norm)
    const names = [this.#weight(`${name}.weight`, shape, kernel)]
    return shift ? [...names, this.constant(`${name}.bias`, [shift.length], shift)] : names
  }

  #affine(weight: string, bias: string | undefined, norm?: BatchNormNode) {
    const tensor = this.#take(weight)
    const kernel = toFloat32(tensor)
    const shift = bias === undefined ? undefined : this.#vector(bias)
    if (!norm) return { shape: tensor.shape, kernel, shift }
    const numbers: BatchNorm = {
      weight: this.#vector(norm.weight),
      bias: this.#vector(norm.bias),
      mean: this.#vector(norm.runningMean),
      variance: this.#vector(norm.runningVar),
      eps: norm.eps,
    }
    const folded = foldBatchNorm(kernel, shift, numbers)
    return { shape: tensor.shape, kernel: folded.kernel, shift: folded.bias }
  }

  #vector(name: string): Float32Array<ArrayBuffer> {
    return toFloat32(this.#take(name))
  }

  /** In half precision where asked for, and widened where it is used: any runtime computes with that. */
  #weight(name: string, shape: readonly number[], numbers: Float32Array<ArrayBuffer>): string {
    const tensor = float32Tensor(shape, numbers)
    if (!this.#fp16) return this.#add(name, tensor)
    return this.node(`${name}.float`, 'Cast', [this.#add(name, toFloat16(tensor, name))], { to: DATA_TYPE.float32 })
  }

  #add(name: string, { dtype, shape, data }: Tensor): string {
    this.weights.push({ name, dims: shape, dataType: DATA_TYPE[dtype], rawData: data })
    return name
  }

  #take(name: string): Tensor {
    const tensor = this.#tensors.get(name)
    if (!tensor) throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', `The model has no ${name}, which each ${this.#model} has`)
    const whole = tensor.data.length === byteLength(tensor.dtype, tensor.shape)
    if (!whole) throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', `${name} is not ${describeTensor(tensor)}`)
    this.#unused.delete(name)
    return tensor
  }
}
