import { TorchgraftError } from '../../errors.js'
import { byteLength, describeTensor, float32Tensor, type StateDict, type Tensor, toFloat16, toFloat32 } from '../../formats/tensor.js'
import { type BatchNorm, foldBatchNorm } from './fold-batch-norm.js'
import { attributes, DATA_TYPE, type OnnxNode, type OnnxTensor } from './onnx-model.js'

export interface ConvPlace {
  readonly stride: number
  readonly relu: boolean
}

/** Collects nodes and weights, and sees that each tensor of a model is used. A node's name is its output's. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = []
  readonly weights: OnnxTensor[] = []
  readonly #tensors: StateDict
  readonly #unused: Set<string>
  readonly #fp16: boolean

  constructor(tensors: StateDict, { fp16 }: { readonly fp16: boolean }) {
    this.#tensors = tensors
    this.#fp16 = fp16
    this.#unused = new Set([...tensors.keys()].filter((name) => !name.endsWith('.num_batches_tracked')))
  }

  get unused(): readonly string[] {
    return [...this.#unused]
  }

  /** @returns the output's name */
  node(name: string, opType: string, input: readonly string[], settings: Readonly<Record<string, number | readonly number[]>> = {}): string {
    this.nodes.push({ name, opType, input, output: [name], attribute: attributes(settings) })
    return name
  }

  /** Numbers that stay float32. */
  constant(name: string, shape: readonly number[], numbers: Float32Array<ArrayBuffer>): string {
    return this.#add(name, float32Tensor(shape, numbers))
  }

  /** Convolution, batch norm folded into it, and ReLU. */
  convNorm(path: string, input: string, { stride, relu }: ConvPlace): string {
    const weight = this.#take(`${path}.0.weight`)
    const vector = (name: string): Float32Array => toFloat32(this.#take(`${path}.1.${name}`))
    const norm: BatchNorm = { weight: vector('weight'), bias: vector('bias'), mean: vector('running_mean'), variance: vector('running_var') }
    const { kernel, bias } = foldBatchNorm(toFloat32(weight), norm)
    const output = this.#conv(path, input, { shape: weight.shape, kernel, bias, stride })
    return relu ? this.node(`${path}.relu`, 'Relu', [output]) : output
  }

  /** A convolution of 1×1 with a bias, as squeeze-and-excitation has them. */
  conv(path: string, input: string): string {
    const { shape, kernel, bias } = this.#affine(path)
    return this.#conv(path, input, { shape, kernel, bias, stride: 1 })
  }

  linear(path: string, input: string): string {
    const { shape, kernel, bias } = this.#affine(path)
    return this.node(path, 'Gemm', [input, this.#weight(`${path}.weight`, shape, kernel), this.constant(`${path}.bias`, [bias.length], bias)], { transB: 1 })
  }

  #affine(path: string) {
    const weight = this.#take(`${path}.weight`)
    return { shape: weight.shape, kernel: toFloat32(weight), bias: toFloat32(this.#take(`${path}.bias`)) }
  }

  #conv(path: string, input: string, { shape, kernel, bias, stride }: { readonly shape: readonly number[]; readonly kernel: Float32Array<ArrayBuffer>; readonly bias: Float32Array<ArrayBuffer>; readonly stride: number }): string {
    const [width = 0, perGroup = 0, side = 0] = shape
    const groups = path.endsWith('.f.b') ? width / perGroup : 1
    const padding = (side - 1) / 2
    const weights = [this.#weight(`${path}.weight`, shape, kernel), this.constant(`${path}.bias`, [width], bias)]
    return this.node(path, 'Conv', [input, ...weights], { dilations: [1, 1], group: groups, kernel_shape: [side, side], pads: [padding, padding, padding, padding], strides: [stride, stride] })
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
    if (!tensor) throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', `The model has no ${name}, which each RegNet has`)
    if (tensor.data.length !== byteLength(tensor.dtype, tensor.shape)) throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', `${name} is not ${describeTensor(tensor)}`)
    this.#unused.delete(name)
    return tensor
  }
}
