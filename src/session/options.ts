import type { ModelName } from '../models/catalogue.js'

/** As PyTorch names devices; `cuda` is `cuda:0`, `auto` the first CUDA device that this libtorch can use, else the CPU. */
export type Device = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`
/** What convolutions and matrix products are computed in: `fp32`, or under autocast bfloat16 or float16. */
export type Precision = 'auto' | 'fp32' | 'bf16' | 'fp16'
/** How weights and activations are laid out: NHWC (`channels_last`) or NCHW (`contiguous`), in PyTorch's words. */
export type MemoryFormat = 'channels_last' | 'contiguous'
/** `plain`: libtorch's kernels alone; `auto`: the addon's own too. */
export type Kernels = 'auto' | 'plain'

export const KERNELS = ['auto', 'plain'] as const satisfies readonly Kernels[]
export const MEMORY_FORMATS = ['channels_last', 'contiguous'] as const satisfies readonly MemoryFormat[]
export const PRECISIONS = ['auto', 'fp32', 'bf16', 'fp16'] as const satisfies readonly Precision[]

export interface SessionOptions {
  readonly model: ModelName
  /** Outputs of the head: 1 to 1,000,000. */
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
   * `plain` computes with libtorch as it comes. `auto` uses the addon's own code where that is faster: an allocator that keeps large
   * blocks of memory while a session lives, for the whole process, and on a CPU with `channels_last` kernels whose results differ
   * from libtorch's in the last bits.
   * @default 'auto'
   */
  readonly kernels?: Kernels
  /**
   * `torch.backends.cudnn.benchmark`: at the first batch of a shape cuDNN times its algorithms for each convolution and keeps the
   * fastest, which may be another one in the next session. On a CPU it does nothing, as in PyTorch.
   * @default false
   */
  readonly cudnnBenchmark?: boolean
  /** Threads within an operation (`torch.set_num_threads`): 1 to 1024. @default one a core, as far as a container's limit allows */
  readonly threads?: number
  /**
   * Memory of the device, in bytes, for the pixels of a `DataLoader`'s images: they travel there once, from the second training step on,
   * and later batches of them are plans alone. `auto`: on a GPU a quarter of what the first training step leaves free; on a CPU, and
   * where the addon's own kernels are not used, none.
   * @default 0
   */
  readonly cacheBytes?: number | 'auto'
  /** Seed of the initial weights: an integer from 0 to 2^53 − 1. @default 0 */
  readonly seed?: number
  /** @default Adam with a learning rate of 1e-3 */
  readonly optimizer?: OptimizerOptions
  /** The loss scale of fp16; unused with other precisions. @default as `torch.amp.GradScaler` */
  readonly scaler?: GradScalerOptions
  /** @default cross entropy, without label smoothing or class weights */
  readonly loss?: LossOptions
  /** Greatest L2 norm of all gradients together, which are scaled down to it: `torch.nn.utils.clip_grad_norm_`. @default no limit */
  readonly clipNorm?: number
  /**
   * `trunk` trains the head alone, with batch norm in evaluation mode; `batch-norm-statistics` trains all parameters, with batch norm
   * in evaluation mode: its running statistics are used, and stay.
   * @default 'none'
   */
  readonly freeze?: 'none' | 'trunk' | 'batch-norm-statistics'
}

export interface OptimizerOptions {
  /** `torch.optim.Adam` (weight decay added to the gradient) or `AdamW` (decoupled). @default 'adam' */
  readonly type?: 'adam' | 'adamw'
  /** Learning rate of a step that is given none. @default 1e-3 */
  readonly lr?: number
  /** Decay of the first and the second moment, each from 0 to below 1. @default [0.9, 0.999] */
  readonly betas?: readonly [number, number]
  /** Added to the denominator. @default 1e-8 */
  readonly eps?: number
  /** @default 0 */
  readonly weightDecay?: number
  /**
   * PyTorch's `fused`: the whole update in one pass. Without it the update is made operation by operation, rounded exactly as by
   * PyTorch's default on a CPU; fp16 cannot do without it.
   * @default true
   */
  readonly fused?: boolean
  /** Parameters that differ, by their torchvision names or by what they are: the first match wins. */
  readonly groups?: readonly ParameterGroup[]
}

/** An optimizer's settings, which its state does not hold: those of `torch.optim.Adam` or `AdamW`. */
export interface OptimizerDescription {
  readonly type: 'adam' | 'adamw'
  readonly betas: readonly [number, number]
  readonly eps: number
  /** PyTorch's `param_groups`; `lr` is the last step's. */
  readonly groups: readonly { readonly lr: number; readonly weightDecay: number; readonly parameters: readonly string[] }[]
}

/** A parameter of a model. */
export interface Parameter {
  /** As torchvision's state_dict spells it. */
  readonly name: string
  /** Of a convolution or a linear layer its `weight` or `bias`; of a norm, scale and shift alike, `norm`. */
  readonly role: 'weight' | 'bias' | 'norm' | 'buffer'
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

/**
 * `torch.amp.GradScaler`: the loss is multiplied by a scale, which falls after a step whose gradients overflowed (that step is
 * skipped) and rises after many that did not.
 */
export interface GradScalerOptions {
  /** Above 0. @default 65536 */
  readonly initScale?: number
  /** Above 1. @default 2 */
  readonly growthFactor?: number
  /** Between 0 and 1. @default 0.5 */
  readonly backoffFactor?: number
  /** Steps in a row without overflow before the scale grows. @default 2000 */
  readonly growthInterval?: number
}

export interface LossOptions {
  /** `label_smoothing` of `torch.nn.CrossEntropyLoss`: 0 to 1. @default 0 */
  readonly labelSmoothing?: number
  /** `weight` of `torch.nn.CrossEntropyLoss`: one a class, 0 or more; the mean is weighted with them. @default all 1 */
  readonly classWeights?: readonly number[]
}
