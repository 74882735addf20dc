import { argumentError, TorchgraftError } from '../errors.js'
import { loadAddon } from '../addon/load.js'
import { checkFields } from '../options/checks.js'
import { plural } from '../text/plural.js'
import type { Binding, NativeSessionOptions, NativeSystem, NativeTensor } from '../addon/binding.js'
import { defaultThreads } from './threads.js'
import { SESSION_FIELDS } from './check-options.js'
import type { Processes } from './process-group.js'
import type { Device, GradScalerOptions, OptimizerOptions, ParameterGroup, Precision, SessionOptions } from './options.js'

/** Checks what `Session.create` was given, once, and fills it in for native code. */
export async function resolveSessionOptions(
  options: SessionOptions, binding: Pick<Binding, 'system' | 'describe' | 'multipliesBf16'>, processes?: Processes,
) {
  checkFields<SessionOptions>(options, SESSION_FIELDS, 'Session.create')
  const { model, classes, device = 'auto', precision = 'auto', allowSlow = false, memoryFormat = 'channels_last' } = options
  const { optimizer = {}, scaler = {}, loss = {}, freeze = 'none' } = options
  const system = binding.system()
  const where = resolveDevice(device, system)
  const isAuto = precision === 'auto'
  const { chosen, precisionReason } = isAuto ? await choosePrecision(where, binding) : checkPrecision(precision, where, allowSlow)
  const parameters = binding.describe(model, classes).tensors.filter(({ role }) => role !== 'buffer')
  const native: NativeSessionOptions = {
    model,
    classes,
    device: where,
    precision: chosen,
    channelsLast: memoryFormat === 'channels_last',
    threads: options.threads ?? defaultThreads(system.threads),
    seed: options.seed ?? 0,
    ...resolveOptimizer(optimizer, parameters, freeze === 'trunk', chosen),
    scaler: resolveScaler(scaler),
    clipNorm: options.clipNorm ?? 0,
    labelSmoothing: loss.labelSmoothing ?? 0,
    classWeights: checkClassWeights(loss.classWeights ?? [], classes),
    freezeBatchNorm: freeze !== 'none',
    plainKernels: options.kernels === 'plain',
    scoreInFp32: options.scorePrecision === 'fp32',
    cudnnBenchmark: options.cudnnBenchmark ?? false,
    ...(processes && { group: processes.group.native, syncBatchNorm: processes.syncBatchNorm }),
  }
  const cacheBytes = resolveCacheBytes(options, where)
  return { native, cacheBytes, precisionReason, memoryFormat, parameters: parameters.map(({ name }) => name), lr: optimizer.lr ?? 1e-3 }
}

function resolveCacheBytes({ cacheBytes = 0, kernels }: SessionOptions, device: string): number | 'auto' {
  return cacheBytes === 'auto' && (device === 'cpu' || kernels === 'plain') ? 0 : cacheBytes
}

/** @throws ERR_DEVICE */
export function resolveDevice(device: Device, { cuda }: Pick<NativeSystem, 'cuda'>): string {
  if (device === 'auto') return cuda.length > 0 ? 'cuda:0' : 'cpu'
  if (device === 'cpu') return device
  const index = Number(device.split(':')[1] ?? 0)
  if (index < cuda.length) return `cuda:${index}`
  const found = cuda.length === 0 ? 'no CUDA device' : plural(cuda.length, 'CUDA device')
  throw new TorchgraftError('ERR_DEVICE', `${device} was requested, but this libtorch finds ${found}. Run "torchgraft doctor" to see why, or use device cpu`)
}

/** Whether this device is, or `auto` will choose, a GPU. @throws as `loadAddon` */
export function isOnGpu(device: Device): boolean {
  return device !== 'cpu' && loadAddon().system().cuda.length > 0
}

interface PrecisionChoice {
  readonly chosen: Exclude<Precision, 'auto'>
  readonly precisionReason: string
}

async function choosePrecision(device: string, binding: Pick<Binding, 'system' | 'multipliesBf16'>): Promise<PrecisionChoice> {
  if (device === 'cpu') {
    return binding.system().bf16
      ? { chosen: 'bf16', precisionReason: 'this processor multiplies bf16 itself' }
      : { chosen: 'fp32', precisionReason: 'this processor has no bf16 instructions' }
  }
  return (await binding.multipliesBf16(device))
    ? { chosen: 'bf16', precisionReason: 'this GPU multiplies bf16 itself' }
    : { chosen: 'fp16', precisionReason: 'this GPU has no bf16 instructions' }
}

function checkPrecision(precision: Exclude<Precision, 'auto'>, device: string, allowSlow: boolean): PrecisionChoice {
  if (precision === 'fp16' && device === 'cpu' && !allowSlow) {
    throw new TorchgraftError('ERR_PRECISION', 'fp16 on the CPU is about a hundred times slower than fp32: use bf16, fp32 or a GPU (from code, allowSlow permits it, for tests)')
  }
  return { chosen: precision, precisionReason: 'as requested' }
}

function resolveScaler({ initScale = 65_536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 }: GradScalerOptions) {
  return { initScale, growthFactor, backoffFactor, growthInterval }
}

function resolveOptimizer(options: OptimizerOptions, parameters: readonly NativeTensor[], headOnly: boolean, precision: string) {
  const { type = 'adam', betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0, groups = [], fused = true } = options
  if (!fused && precision === 'fp16') throw argumentError('true, which fp16 needs,', 'optimizer.fused', fused)
  const resolved = groups.map((group) => ({ lrScale: group.lrScale ?? 1, weightDecay: group.weightDecay ?? weightDecay }))
  const groupOf = parameters.map((parameter) => {
    if (headOnly && !parameter.head) return -1
    const found = groups.findIndex(({ match }) => matches(match, parameter))
    return found < 0 ? resolved.length : found
  })
  return {
    optimizer: {
      type,
      fused,
      beta1: betas[0],
      beta2: betas[1],
      eps,
      groups: [...resolved, { lrScale: 1, weightDecay }],
    },
    groupOf: Int32Array.from(groupOf),
  }
}

/** `search`, since a sticky or global expression keeps its place in `test`. */
function matches(match: ParameterGroup['match'], { name, role, head }: NativeTensor): boolean {
  return match instanceof RegExp ? name.search(match) >= 0 : match({ name, role, head })
}

function checkClassWeights(weights: readonly number[], classes: number): Float32Array {
  if (weights.length !== 0 && weights.length !== classes)
    throw argumentError(`${plural(classes, 'number')}, one for each class,`, 'loss.classWeights', [...weights])
  return Float32Array.from(weights)
}
