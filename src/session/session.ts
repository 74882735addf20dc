import type { Batch } from '../loader/batch.js'
import { TorchgraftError } from '../errors.js'
import type { LazyStateDict } from '../formats/lazy-tensor.js'
import { checkFields, type Fields, booleanField, withMethods, numberField } from '../options/checks.js'
import type { StateDict } from '../formats/tensor.js'
import type { NativeEvalResult, NativeSession, NativeSessionOptions, NativeTrainSums } from '../addon/binding.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { loadAddon } from '../addon/load.js'
import type { MemoryFormat, OptimizerDescription, Precision, SessionOptions } from './options.js'
import { resolveSessionOptions } from './resolve-options.js'
import { allocateState, compareState, type LoadReport, mismatchError, packState, unpackState } from '../models/state-layout.js'
import { fromNative, toNative } from './to-native.js'
import type { RegNetVariant } from '../models/variants.js'

/**
 * Sums since the last read; all zero with `read: false`. `loss` is summed over images. With fp16, `skipped` counts the
 * steps that overflowed and moved nothing; a step's comes with the read after its own. `scale` is the last step's.
 */
export type TrainStepResult = NativeTrainSums
/** `logits` is [size, classes]; `loss` (a sum over images, plain cross entropy) and `correct` are NaN without labels. */
export type EvalStepResult = NativeEvalResult

export interface TrainStepOptions {
  /** @default the optimizer's */
  readonly lr?: number
  /** Whether to wait for the numbers; if not they come with the next read. @default true */
  readonly read?: boolean
}

const LR = numberField({ min: 0 })
const STATE = withMethods('a Map of tensors by their names', 'get')
const TRAIN_STEP_FIELDS: Fields<TrainStepOptions> = { lr: LR, read: booleanField }
const LOAD_FIELDS: Fields<{ readonly strict?: boolean }> = { strict: booleanField }

/**
 * A model on a device with the optimizer that trains it.
 *
 * Calls run one after another in the order they were made, on a thread of their own; what a batch holds is taken at
 * the call. Dispose of it when done: the model's memory is not JavaScript's.
 */
export class Session implements AsyncDisposable {
  readonly #native: NativeSession
  readonly #options: NativeSessionOptions
  readonly #parameters: readonly string[]
  readonly model: RegNetVariant
  readonly classes: number
  readonly device: 'cpu' | `cuda:${number}`
  readonly precision: Exclude<Precision, 'auto'>
  readonly memoryFormat: MemoryFormat
  /** Within an operation. */
  readonly threads: number
  /** Of a step that names none. */
  readonly lr: number
  /** Why this device and precision, in words. */
  readonly precisionReason: string

  private constructor(native: NativeSession, options: Awaited<ReturnType<typeof resolveSessionOptions>>) {
    this.#native = native
    this.#options = options.native
    this.#parameters = options.parameters
    this.lr = options.lr
    this.model = options.native.model as RegNetVariant
    this.classes = options.native.classes
    this.device = options.native.device as Session['device']
    this.precision = options.native.precision
    this.memoryFormat = options.memoryFormat
    this.threads = options.native.threads
    this.precisionReason = options.precisionReason
  }

  /**
   * Makes a model with torchvision's initial weights, and its optimizer.
   *
   * @throws ERR_MODEL_UNKNOWN, ERR_DEVICE, ERR_PRECISION, ERR_ARGUMENT, ERR_LIBTORCH_MISSING, ERR_OUT_OF_MEMORY
   */
  static async create(options: SessionOptions): Promise<Session> {
    await setUpAtFirstUse()
    const binding = loadAddon()
    const resolved = await resolveSessionOptions(options, binding)
    return new Session(await fromNative(() => binding.createSession(resolved.native)), resolved)
  }

  /** The optimizer's settings, as of a step with this learning rate. */
  describeOptimizer(lr: number = this.lr): OptimizerDescription {
    LR(lr, 'lr')
    const { optimizer: { type, beta1, beta2, eps, groups }, groupOf } = this.#options
    const described = groups.map(({ lrScale, weightDecay }, group) => ({ lr: lr * lrScale, weightDecay, parameters: this.#parameters.filter((_, i) => groupOf[i] === group) }))
    return { type, betas: [beta1, beta2], eps, groups: described.filter(({ parameters }) => parameters.length > 0) }
  }

  get numParameters(): number {
    return this.#native.numParameters
  }

  /**
   * One whole step in mixed precision: autocast forward, loss, scaled backward, clipping, optimizer, scaler.
   *
   * @throws ERR_BATCH_SHAPE, ERR_OUT_OF_MEMORY, ERR_DISPOSED
   */
  async trainStep(batch: Batch, options: TrainStepOptions = {}): Promise<TrainStepResult> {
    checkFields<TrainStepOptions>(options, TRAIN_STEP_FIELDS, 'trainStep')
    const { lr = this.lr, read = true } = options
    const { images, labels } = toNative(batch)
    if (!labels) throw new TorchgraftError('ERR_BATCH_SHAPE', 'Expected a batch with labels to train on')
    return fromNative(() => this.#native.trainStep(images, labels, lr, read))
  }

  /** Scores a batch without learning from it: evaluation mode, the session's precision. */
  async evalStep(batch: Batch): Promise<EvalStepResult> {
    const { images, labels } = toNative(batch)
    return fromNative(() => this.#native.evalStep(images, labels))
  }

  /** A copy of all weights and running statistics, float32 and int64, in torchvision's names and order. */
  stateDict(): Promise<StateDict> {
    return this.#read('model')
  }

  /**
   * Loads weights by name; fp16 and bf16 are widened. What is in memory is taken at the call.
   *
   * With `strict: false` whatever does not fit stays as it was, and the report names it: so a head for other
   * classes begins anew.
   *
   * @throws ERR_STATE_DICT_MISMATCH when strict, naming what is missing, unexpected or of another shape
   */
  async loadStateDict(state: LazyStateDict, options: { readonly strict?: boolean } = {}): Promise<LoadReport> {
    checkFields<{ readonly strict?: boolean }>(options, LOAD_FIELDS, 'loadStateDict')
    return this.#write('model', state, options.strict ?? true)
  }

  /** All that resuming needs besides the model: the optimizer's moments and step counts, with fp16 the scaler's state. */
  trainingState(): Promise<StateDict> {
    return this.#read('training')
  }

  /** @throws ERR_STATE_DICT_MISMATCH unless it is the state of a session with the same parameters in training */
  async loadTrainingState(state: StateDict): Promise<void> {
    await this.#write('training', state, true)
  }

  /**
   * Why a GPU computes slower than it could, in words: where CUDA graphs or kernels compiled by NVRTC cannot be had, and libtorch's
   * operations are launched one by one in their place. What a step meets is told after it. Empty where all is well, and on the CPU.
   *
   * @throws ERR_DISPOSED
   */
  deviceNotes(): Promise<readonly string[]> {
    return fromNative(() => this.#native.deviceNotes())
  }

  /** Waits for the calls made before, then frees the model. May be called twice. */
  dispose(): Promise<void> {
    return fromNative(() => this.#native.dispose())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  async #read(part: 'model' | 'training'): Promise<StateDict> {
    const layout = this.#native.layout[part]
    const buffer = allocateState(layout)
    await fromNative(() => this.#native.readState(part, buffer))
    return unpackState(layout, buffer)
  }

  async #write(part: 'model' | 'training', state: LazyStateDict, strict: boolean): Promise<LoadReport> {
    STATE(state, 'state')
    const layout = this.#native.layout[part]
    const report = compareState(layout, state)
    if (strict && report.missing.length + report.mismatched.length + report.unexpected.length > 0) throw mismatchError(report)
    const packed = packState(layout, state)
    // Without a turn of the event loop where there is nothing to read: calls are run in the order they were made.
    const { buffer, written } = packed instanceof Promise ? await packed : packed
    await fromNative(() => this.#native.writeState(part, buffer, written))
    return report
  }
}
