import type { ModelName } from '../models/catalogue.js'
import type { TensorUse } from './model-graph.js'

export type Device = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`
export type Precision = 'auto' | 'fp32' | 'bf16' | 'fp16'
/** How weights and activations lie in memory: NHWC or NCHW, in PyTorch's words. */
export type MemoryFormat = 'channels_last' | 'contiguous'

export type Kernels = 'auto' | 'plain'

export const KERNELS = ['auto', 'plain'] as const satisfies readonly Kernels[]
export const MEMORY_FORMATS = ['channels_last', 'contiguous'] as const satisfies readonly MemoryFormat[]
export const PRECISIONS = ['auto', 'fp32', 'bf16', 'fp16'] as const satisfies readonly Precision[]

export interface SessionOptions {
  readonly model: ModelName
  /** Outputs of the head: 1 or more. */
  readonly classes: number
  /** @default 'auto': the first CUDA device that this libtorch can use, else the CPU */
  readonly device?: Device
  /**
   * bf16 and fp16 are mixed precision: autocast, with the weights in fp32; fp16 with a scaled loss.
   * @default 'auto': bf16 where the processor or the GPU multiplies it itself; else fp16 on a GPU, fp32 on a CPU
   */
  readonly precision?: Precision
  /** `fp32` scores without autocast, whatever precision trains. @default 'same' */
  readonly scorePrecision?: 'same' | 'fp32'
  /** fp16 on the CPU, which is a hundred times slower than fp32: for tests. @default false */
  readonly allowSlow?: boolean
  /** @default 'channels_last', which is the faster on CPUs */
  readonly memoryFormat?: MemoryFormat
  /**
   * `plain` computes with libtorch as it comes. `auto` puts the addon's own in its place where that is faster: an allocator that
   * keeps large blocks of memory while a session lives, for the whole process, and on a CPU with `channels_last` kernels,
   * whose numbers differ in last bits.
   * @default 'auto'
   */
  readonly kernels?: Kernels
  /** Threads within an operation. @default one a core, as far as a container's limit allows */
  readonly threads?: number
  /** Of the initial weights. @default 0 */
  readonly seed?: number
  readonly optimizer?: OptimizerOptions
  /** Used with fp16 only. */
  readonly scaler?: GradScalerOptions
  readonly loss?: LossOptions
  /** Scales the gradients so that their norm, all taken together, is at most this: `torch.nn.utils.clip_grad_norm_`. @default none */
  readonly clipNorm?: number
  /**
   * `trunk` trains the head alone, with the trunk's running statistics kept as they are; `batch-norm-statistics` trains
   * all, with the running statistics used and kept.
   * @default 'none'
   */
  readonly freeze?: 'none' | 'trunk' | 'batch-norm-statistics'
}

export interface OptimizerOptions {
  /** `torch.optim.Adam` (weight decay added to the gradient) or `AdamW` (decoupled). @default 'adam' */
  readonly type?: 'adam' | 'adamw'
  /** Of a step that names none. @default 1e-3 */
  readonly lr?: number
  /** @default [0.9, 0.999] */
  readonly betas?: readonly [number, number]
  /** @default 1e-8 */
  readonly eps?: number
  /** @default 0 */
  readonly weightDecay?: number
  /**
   * PyTorch's `fused`: the whole update in one pass. Without it operation by operation, with the very roundings of PyTorch's
   * default on a CPU; not with fp16.
   * @default true
   */
  readonly fused?: boolean
  /** Parameters that differ, by their torchvision names or by what they are: the first match wins. */
  readonly groups?: readonly ParameterGroup[]
}

/** An optimizer's settings, which its state alone does not tell: `torch.optim.Adam`'s or `AdamW`'s. */
export interface OptimizerDescription {
  readonly type: 'adam' | 'adamw'
  readonly betas: readonly [number, number]
  readonly eps: number
  /** `lr` is that of the last step. */
  readonly groups: readonly { readonly lr: number; readonly weightDecay: number; readonly parameters: readonly string[] }[]
}

/** A parameter of a model. */
export interface Parameter {
  /** As torchvision's state_dict spells it. */
  readonly name: string
  /** Of a convolution or a linear layer its `weight` or `bias`; of a norm, scale and shift alike, `norm`. */
  readonly role: TensorUse['role']
  /** Whether it is of the layer that gives the logits. */
  readonly head: boolean
}

export interface ParameterGroup {
  /** A pattern of names, or a function that tells which parameters belong. */
  readonly match: RegExp | ((parameter: Parameter) => boolean)
  /** Multiplies the step's lr. @default 1 */
  readonly lrScale?: number
  /** @default the optimizer's */
  readonly weightDecay?: number
}

/** `torch.amp.GradScaler`: the loss is multiplied by a scale, which falls after a step whose gradients overflowed (that step is skipped) and rises after many that did not. */
export interface GradScalerOptions {
  /** @default 65536 */
  readonly initScale?: number
  /** Above 1. @default 2 */
  readonly growthFactor?: number
  /** Between 0 and 1. @default 0.5 */
  readonly backoffFactor?: number
  /** Steps in a row without overflow before the scale grows. @default 2000 */
  readonly growthInterval?: number
}

export interface LossOptions {
  /** As in `torch.nn.CrossEntropyLoss`. From 0 to 1. @default 0 */
  readonly labelSmoothing?: number
  /** One a class, not negative; the mean is weighted, as PyTorch's. @default none */
  readonly classWeights?: readonly number[]
}
