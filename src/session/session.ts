import type { Batch } from '../loader/batch.js'
import { TorchgraftError } from '../errors.js'
import type { LazyStateDict } from '../formats/lazy-tensor.js'
import { checkFields, type Fields, booleanField, withMethods, numberField } from '../options/checks.js'
import type { StateDict } from '../formats/tensor.js'
import type { EvalStepResult, NativeSession, NativeSessionOptions, TrainStepResult } from '../addon/binding.js'
import { setUpAtFirstUse } from '../addon/first-use.js'
import { loadAddon } from '../addon/load.js'
import type { MemoryFormat, OptimizerDescription, Precision, SessionOptions } from './options.js'
import { createWithKernels } from './kernel-cache.js'
import { resolveSessionOptions } from './resolve-options.js'
import { allocateState, compareState, type LoadReport, mismatchError, packState, unpackState } from '../models/state-layout.js'
import { KeptPixels } from './kept-pixels.js'
import { fromNative } from './to-native.js'
import type { ModelName } from '../models/catalogue.js'

export type { EvalStepResult, TrainStepResult } from '../addon/binding.js'

export interface TrainStepOptions {
  /** Learning rate of this step, 0 or more; a group's is this times its `lrScale`. @default the optimizer's */
  readonly lr?: number
  /**
   * Whether to wait for the step's numbers. With `false` the promise settles without copying them from the device, and they are
   * added to the next result that is read: on a GPU, steps then follow each other without a pause.
   * @default true
   */
  readonly read?: boolean
}

const LR = numberField({ min: 0 })
const STATE = withMethods('a Map of tensors by their names', 'get')
const TRAIN_STEP_FIELDS: Fields<TrainStepOptions> = { lr: LR, read: booleanField }
const LOAD_FIELDS: Fields<{ readonly strict?: boolean }> = { strict: booleanField }

/**
 * A model on a device with the optimizer that trains it.
 *
 * Calls run one after another in the order they were made, on the session's own thread; a batch's arrays are copied at the call, and
 * may then be reused. Dispose of it when done: the model's memory is not JavaScript's.
 */
export class Session implements AsyncDisposable {
  readonly #native: NativeSession
  readonly #options: NativeSessionOptions
  readonly #parameters: readonly string[]
  readonly #pixels: KeptPixels
  readonly model: ModelName
  /** Outputs of the head. */
  readonly classes: number
  readonly device: 'cpu' | `cuda:${number}`
  readonly precision: Exclude<Precision, 'auto'>
  readonly memoryFormat: MemoryFormat
  /** Threads within an operation. */
  readonly threads: number
  /** Learning rate of a step that is given none. */
  readonly lr: number
  /** Why this device and precision, in words. */
  readonly precisionReason: string

  private constructor(native: NativeSession, options: Awaited<ReturnType<typeof resolveSessionOptions>>) {
    this.#native = native
    this.#options = options.native
    this.#parameters = options.parameters
    this.#pixels = new KeptPixels(native, { limit: options.cacheBytes, onGpu: options.native.device !== 'cpu' })
    this.lr = options.lr
    this.model = options.native.model as ModelName
    this.classes = options.native.classes
    this.device = options.native.device as Session['device']
    this.precision = options.native.precision
    this.memoryFormat = options.memoryFormat
    this.threads = options.native.threads
    this.precisionReason = options.precisionReason
  }

  /**
   * Makes a model with random weights, distributed as torchvision initialises them, and its optimizer. An installed package fetches
   * libtorch and builds its addon at the first call.
   *
   * @throws ERR_MODEL_UNKNOWN, ERR_DEVICE, ERR_PRECISION, ERR_ARGUMENT, ERR_OUT_OF_MEMORY; ERR_LIBTORCH_MISSING, ERR_LIBTORCH_VERSION,
   * ERR_ADDON where libtorch or the addon cannot be loaded
   */
  static async create(options: SessionOptions): Promise<Session> {
    await setUpAtFirstUse()
    const binding = loadAddon()
    const resolved = await resolveSessionOptions(options, binding)
    return new Session(await fromNative(() => createWithKernels(binding, resolved.native)), resolved)
  }

  /** The optimizer's settings, as of a step with this learning rate: groups without parameters are left out. @throws ERR_ARGUMENT */
  describeOptimizer(lr: number = this.lr): OptimizerDescription {
    LR(lr, 'lr')
    const { optimizer: { type, beta1, beta2, eps, groups }, groupOf } = this.#options
    const described = groups.map(({ lrScale, weightDecay }, group) => {
      const parameters = this.#parameters.filter((_, i) => groupOf[i] === group)
      return { lr: lr * lrScale, weightDecay, parameters }
    })
    return { type, betas: [beta1, beta2], eps, groups: described.filter(({ parameters }) => parameters.length > 0) }
  }

  /** Numbers in all parameters together, frozen ones too. */
  get numParameters(): number {
    return this.#native.numParameters
  }

  /**
   * One whole training step: render the batch's images [size, 3, height, width], forward under autocast, cross entropy, scaled
   * backward, clipping, optimizer, loss scale.
   *
   * @param batch with labels
   * @returns sums, over images, of this step and of those before it that were not read
   * @throws ERR_BATCH_SHAPE where the batch's parts do not fit together, or labels are missing; ERR_ARGUMENT, ERR_OUT_OF_MEMORY,
   * ERR_DISPOSED
   */
  async trainStep(batch: Batch, options: TrainStepOptions = {}): Promise<TrainStepResult> {
    checkFields<TrainStepOptions>(options, TRAIN_STEP_FIELDS, 'trainStep')
    const { lr = this.lr, read = true } = options
    const result = await this.#pixels.run(batch, ({ images, labels }) => {
      if (!labels) throw new TorchgraftError('ERR_BATCH_SHAPE', 'Expected a batch with labels to train on')
      return this.#native.trainStep(images, labels, lr, read)
    })
    await this.#pixels.open()
    return result
  }

  /**
   * Scores a batch without learning from it: in evaluation mode, and in the session's precision or its `scorePrecision`.
   *
   * @param batch with labels or without
   * @throws ERR_BATCH_SHAPE, ERR_ARGUMENT, ERR_OUT_OF_MEMORY, ERR_DISPOSED
   */
  async evalStep(batch: Batch): Promise<EvalStepResult> {
    return this.#pixels.run(batch, ({ images, labels }) => this.#native.evalStep(images, labels))
  }

  /** A copy of all weights and running statistics, float32 and int64, with torchvision's names and in its order. @throws ERR_DISPOSED */
  stateDict(): Promise<StateDict> {
    return this.#read('model')
  }

  /**
   * Loads weights by name, as `torch.nn.Module.load_state_dict`; fp16 and bf16 are widened. Tensors in memory are copied at the call.
   *
   * With `strict: false` whatever does not fit keeps its values, and the report names it: so a head for other classes stays new.
   *
   * @throws ERR_STATE_DICT_MISMATCH when strict, naming what is missing, unexpected or of another shape
   */
  async loadStateDict(state: LazyStateDict, options: { readonly strict?: boolean } = {}): Promise<LoadReport> {
    checkFields<{ readonly strict?: boolean }>(options, LOAD_FIELDS, 'loadStateDict')
    return this.#write('model', state, options.strict ?? true)
  }

  /** What resuming needs besides the model: the optimizer's moments and step counts, and with fp16 the loss scale. @throws ERR_DISPOSED */
  trainingState(): Promise<StateDict> {
    return this.#read('training')
  }

  /** Loads what `trainingState` gave. @throws ERR_STATE_DICT_MISMATCH unless the same parameters are trained here */
  async loadTrainingState(state: StateDict): Promise<void> {
    await this.#write('training', state, true)
  }

  /**
   * Why a GPU computes slower than it could, in words: where CUDA graphs or kernels compiled by NVRTC are not available, and libtorch's
   * operations are launched one by one instead; where not all images stay in its memory. Reasons that a step finds are there after it.
   * Empty where all is well.
   *
   * @throws ERR_DISPOSED
   */
  async deviceNotes(): Promise<readonly string[]> {
    return [...(await fromNative(() => this.#native.deviceNotes())), ...this.#pixels.notes]
  }

  /** Waits for the calls that were made before, then frees the model. May be called twice. */
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
