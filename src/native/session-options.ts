import { finite, integer, oneOf } from '../arguments.js'
import { argumentError, TorchgraftError } from '../errors.js'
import { type Check, checkFields, type Fields, fieldsOf, flag, list, needed, real, whole, word } from '../fields.js'
import type { Binding, NativeEntry, NativeSessionOptions, NativeSystem } from './binding.js'
import { defaultThreads } from './cores.js'
import { REGNET_VARIANTS, type RegNetVariant } from './variants.js'

export type Device = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`
export type Precision = 'auto' | 'fp32' | 'bf16' | 'fp16'
/** How weights and activations lie in memory: NHWC or NCHW, in PyTorch's words. */
export type MemoryFormat = 'channels_last' | 'contiguous'

export type Kernels = 'auto' | 'plain'

export const KERNELS = ['auto', 'plain'] as const satisfies readonly Kernels[]
export const MEMORY_FORMATS = ['channels_last', 'contiguous'] as const satisfies readonly MemoryFormat[]
export const PRECISIONS = ['auto', 'fp32', 'bf16', 'fp16'] as const satisfies readonly Precision[]

export interface SessionOptions {
  readonly model: RegNetVariant
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
   * keeps large blocks of memory while a session lives, for the whole process.
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
  /** Parameters that differ, by their torchvision names: the first match wins. */
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

export interface ParameterGroup {
  readonly match: RegExp
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

/** A device by its name; whether it is there is another question. @throws ERR_ARGUMENT */
export const aDevice: Check = (value, name) => {
  if (typeof value !== 'string' || !/^(?:auto|cpu|cuda(?::\d{1,4})?)$/.test(value)) throw argumentError('auto, cpu, cuda or cuda:N', name, value)
}
export const aModel: Check = (value) => void checkModel(value)
const beta: Check = (value, name) => void checkBeta(value as number, name)
const pattern: Check = (value, name) => {
  if (!(value instanceof RegExp)) throw argumentError('a regular expression', name, value)
}
const GROUP_FIELDS: Fields<ParameterGroup> = { match: needed(pattern), lrScale: real({ min: 0 }), weightDecay: real({ min: 0 }) }
const OPTIMIZER_FIELDS: Fields<OptimizerOptions> = {
  type: word(['adam', 'adamw']), lr: real({ min: 0 }), betas: list(beta, 2, 'two numbers'), eps: real({ min: 0 }), weightDecay: real({ min: 0 }), fused: flag, groups: list(fieldsOf(GROUP_FIELDS, 'optimizer.groups')),
}
const SCALER_FIELDS: Fields<GradScalerOptions> = { initScale: real({ above: 0 }), growthFactor: real({ above: 1 }), backoffFactor: real({ above: 0 }), growthInterval: whole({ min: 1 }) }
const LOSS_FIELDS: Fields<LossOptions> = { labelSmoothing: real({ min: 0, max: 1 }), classWeights: list(real({ min: 0 })) }

/** What each option of a session takes. */
export const SESSION_FIELDS: Fields<SessionOptions> = {
  model: needed(aModel),
  classes: needed(whole({ min: 1, max: 1_000_000 })),
  device: aDevice,
  precision: word(PRECISIONS),
  scorePrecision: word(['same', 'fp32']),
  allowSlow: flag,
  memoryFormat: word(MEMORY_FORMATS),
  kernels: word(KERNELS),
  threads: whole({ min: 1, max: 1024 }),
  seed: whole({ min: 0 }),
  optimizer: fieldsOf(OPTIMIZER_FIELDS, 'optimizer'),
  scaler: fieldsOf(SCALER_FIELDS, 'scaler'),
  loss: fieldsOf(LOSS_FIELDS, 'loss'),
  clipNorm: real({ above: 0 }),
  freeze: word(['none', 'trunk', 'batch-norm-statistics']),
}

/** Checks what `Session.create` was given, and fills it in for native code. */
export async function resolveSessionOptions(options: SessionOptions, binding: Pick<Binding, 'system' | 'describe' | 'multipliesBf16'>) {
  checkFields<SessionOptions>(options, SESSION_FIELDS, 'Session.create')
  const { device = 'auto', precision = 'auto', allowSlow = false, memoryFormat = 'channels_last', optimizer = {}, scaler = {}, loss = {}, freeze = 'none' } = options
  const system = binding.system()
  const model = checkModel(options.model)
  const classes = integer(options.classes, 'classes', { min: 1, max: 1_000_000 })
  oneOf(freeze, 'freeze', ['none', 'trunk', 'batch-norm-statistics'])
  oneOf(precision, 'precision', PRECISIONS)
  oneOf(memoryFormat, 'memoryFormat', MEMORY_FORMATS)
  const where = resolveDevice(device, system)
  const { chosen, why } = precision === 'auto' ? await choosePrecision(where, binding) : checkPrecision(precision, where, allowSlow)
  const parameters = binding.describe(model, classes).filter(({ trainable }) => trainable)
  const native: NativeSessionOptions = {
    model,
    classes,
    device: where,
    precision: chosen,
    channelsLast: memoryFormat === 'channels_last',
    threads: options.threads === undefined ? defaultThreads(system.threads) : integer(options.threads, 'threads', { min: 1, max: 1024 }),
    seed: integer(options.seed ?? 0, 'seed', { min: 0 }),
    ...resolveOptimizer(optimizer, parameters, freeze === 'trunk', chosen),
    scaler: resolveScaler(scaler),
    clipNorm: options.clipNorm === undefined ? 0 : finite(options.clipNorm, 'clipNorm', { above: 0 }),
    labelSmoothing: finite(loss.labelSmoothing ?? 0, 'loss.labelSmoothing', { min: 0, max: 1 }),
    classWeights: checkClassWeights(loss.classWeights ?? [], classes),
    freezeBatchNorm: freeze !== 'none',
    plainKernels: oneOf(options.kernels ?? 'auto', 'kernels', KERNELS) === 'plain',
    scoreInFp32: oneOf(options.scorePrecision ?? 'same', 'scorePrecision', ['same', 'fp32']) === 'fp32',
  }
  return { native, why, memoryFormat, parameters: parameters.map(({ name }) => name), lr: finite(optimizer.lr ?? 1e-3, 'optimizer.lr', { min: 0 }) }
}

/** @throws ERR_MODEL_UNKNOWN, naming those that there are */
export function checkModel(model: unknown): RegNetVariant {
  const found = REGNET_VARIANTS.find((name) => name === model)
  if (found) return found
  throw new TorchgraftError('ERR_MODEL_UNKNOWN', `There is no model ${JSON.stringify(model)}. The models are ${REGNET_VARIANTS.join(', ')}`)
}

function resolveDevice(device: Device, { cuda }: NativeSystem): string {
  if (device === 'auto') return cuda.length > 0 ? 'cuda:0' : 'cpu'
  if (device === 'cpu') return device
  if (!/^cuda(:\d+)?$/.test(device)) throw argumentError('auto, cpu, cuda or cuda:N', 'device', device)
  const index = Number(device.split(':')[1] ?? 0)
  if (index < cuda.length) return `cuda:${index}`
  const found = cuda.length === 0 ? 'no CUDA device' : `${cuda.length} CUDA device${cuda.length > 1 ? 's' : ''}`
  throw new TorchgraftError('ERR_DEVICE', `${device} was asked for, and this libtorch sees ${found}. Run "torchgraft doctor" to see why, or use device cpu`)
}

interface PrecisionChoice {
  readonly chosen: Exclude<Precision, 'auto'>
  readonly why: string
}

async function choosePrecision(device: string, binding: Pick<Binding, 'system' | 'multipliesBf16'>): Promise<PrecisionChoice> {
  if (device === 'cpu') {
    return binding.system().bf16 ? { chosen: 'bf16', why: 'this processor multiplies bf16 itself' } : { chosen: 'fp32', why: 'this processor has no bf16 instructions' }
  }
  return (await binding.multipliesBf16(device)) ? { chosen: 'bf16', why: 'this GPU multiplies bf16 itself' } : { chosen: 'fp16', why: 'this GPU has no bf16 instructions' }
}

function checkPrecision(precision: Exclude<Precision, 'auto'>, device: string, allowSlow: boolean): PrecisionChoice {
  if (precision === 'fp16' && device === 'cpu' && !allowSlow) {
    throw new TorchgraftError('ERR_PRECISION', 'fp16 on the CPU is about a hundred times slower than fp32: use bf16, fp32 or a GPU (the library takes allowSlow, for tests)')
  }
  return { chosen: precision, why: 'as asked for' }
}

function resolveScaler({ initScale = 65_536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 }: GradScalerOptions) {
  if (finite(backoffFactor, 'scaler.backoffFactor', { above: 0 }) >= 1) throw argumentError('a number between 0 and 1', 'scaler.backoffFactor', backoffFactor)
  return {
    initScale: finite(initScale, 'scaler.initScale', { above: 0 }),
    growthFactor: finite(growthFactor, 'scaler.growthFactor', { above: 1 }),
    backoffFactor,
    growthInterval: integer(growthInterval, 'scaler.growthInterval', { min: 1 }),
  }
}

function resolveOptimizer(options: OptimizerOptions, parameters: readonly NativeEntry[], headOnly: boolean, precision: string) {
  const { type = 'adam', betas = [0.9, 0.999], eps = 1e-8, groups = [], fused = true } = options
  if (typeof fused !== 'boolean') throw argumentError('true or false', 'optimizer.fused', fused)
  if (!fused && precision === 'fp16') throw argumentError('true, which fp16 takes,', 'optimizer.fused', fused)
  const weightDecay = finite(options.weightDecay ?? 0, 'optimizer.weightDecay', { min: 0 })
  const resolved = groups.map((group, i) => {
    if (!(group.match instanceof RegExp)) throw argumentError('a regular expression', `optimizer.groups[${i}].match`, group.match)
    return {
      lrScale: finite(group.lrScale ?? 1, `optimizer.groups[${i}].lrScale`, { min: 0 }),
      weightDecay: finite(group.weightDecay ?? weightDecay, `optimizer.groups[${i}].weightDecay`, { min: 0 }),
    }
  })
  const groupOf = parameters.map(({ name }) => {
    if (headOnly && !name.startsWith('fc.')) return -1
    const found = groups.findIndex(({ match }) => name.search(match) >= 0) // search: a sticky or global expression keeps no place
    return found < 0 ? resolved.length : found
  })
  return {
    optimizer: {
      type: oneOf(type, 'optimizer.type', ['adam', 'adamw']),
      fused,
      beta1: checkBeta(betas[0], 'optimizer.betas[0]'),
      beta2: checkBeta(betas[1], 'optimizer.betas[1]'),
      eps: finite(eps, 'optimizer.eps', { min: 0 }),
      groups: [...resolved, { lrScale: 1, weightDecay }],
    },
    groupOf: Int32Array.from(groupOf),
  }
}

function checkBeta(beta: number, name: string): number {
  if (finite(beta, name, { min: 0, max: 1 }) < 1) return beta
  throw argumentError('a number from 0 to below 1', name, beta)
}

function checkClassWeights(weights: readonly number[], classes: number): Float32Array {
  if (weights.length !== 0 && weights.length !== classes) throw argumentError(`${classes} numbers, one a class,`, 'loss.classWeights', [...weights])
  for (const [i, weight] of weights.entries()) finite(weight, `loss.classWeights[${i}]`, { min: 0 })
  return Float32Array.from(weights)
}
