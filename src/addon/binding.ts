import type { TorchgraftErrorCode } from '../errors.js'
import type { ModelGraph, TensorUse } from './model-graph.js'

/**
 * What the main addon exports, and nothing that it does not. Change it together with `native/node`.
 *
 * Arguments are trusted where `src/session/session.ts` has checked them; native code checks again whatever could
 * read or write out of bounds. Promises reject with an `Error` that has a `code` of `TorchgraftErrorCode`.
 * All work runs on one engine thread for the process, in the order asked for.
 */
export interface Binding {
  /** libtorch's version that the addon was compiled against, such as `2.13.0`. */
  readonly libtorchVersion: string
  /** Names of the models, in the order of `MODEL_NAMES`. */
  readonly variants: readonly string[]
  /** What is there to compute on. Cheap: loads no model. */
  system(): NativeSystem
  /** A model's state and forward pass, with no memory for its weights. @throws ERR_MODEL_UNKNOWN */
  describe(model: string, classes: number): NativeModel
  /** Whether a CUDA device multiplies bf16 itself. Takes the device into use. */
  multipliesBf16(device: string): Promise<boolean>
  /** Takes a device into use before it is needed: its context, and the libraries that multiply on it. */
  warmUp(device: string): Promise<void>
  /** @param kernels a GPU's that are compiled already */
  createSession(options: NativeSessionOptions, kernels: readonly CompiledKernel[]): Promise<NativeSession>
  /** Meets the other ranks and connects to them. @throws ERR_DISTRIBUTED */
  joinGroup(options: NativeGroupOptions): Promise<NativeGroup>
  /**
   * Renders a batch alone into `into`: normalized pixels, [size, output, output, 3] row-major. For previews and tests.
   */
  renderBatch(images: NativeImages, renderer: NativeRenderer, into: Float32Array): Promise<void>
  /** Each channel's mean over a rendered batch, then each one's mean of squares: six numbers, rounded as PyTorch's on the CPU. */
  channelMoments(images: NativeImages): Promise<Float32Array>
  /** Mean and standard deviation from those numbers summed over batches: six numbers. */
  meanStdOf(sums: Float32Array, batches: number): Promise<Float32Array>
  /** Waits for the job that is running and drops this environment's others: for its end. Nothing can be asked for afterwards. */
  stop(): void
}

/**
 * The loops that the CPU's batches go through; the kernel that a GPU's do, on the CPU or on the first CUDA device; or, on the
 * CPU, the operations of libtorch that a GPU takes where it cannot have the kernel.
 */
export type NativeRenderer = 'loops' | 'kernel' | 'cuda-kernel' | 'operations'

export interface NativeSystem {
  readonly cuda: readonly string[]
  /** Whether the processor multiplies bf16 itself (AMX-BF16 or AVX512-BF16). */
  readonly bf16: boolean
  readonly features: readonly string[]
  /** Threads that libtorch uses within an operation unless told otherwise. */
  readonly threads: number
}

export interface NativeSessionOptions {
  readonly model: string
  readonly classes: number
  /** `cpu`, `cuda:0` … */
  readonly device: string
  readonly precision: 'fp32' | 'bf16' | 'fp16'
  /** Memory format of weights and activations: NHWC, else NCHW. */
  readonly channelsLast: boolean
  /** Within an operation. */
  readonly threads: number
  /** Of the initial weights: 53 bits at most. */
  readonly seed: number
  readonly optimizer: {
    readonly type: 'adam' | 'adamw'
    /** In one pass; else operation by operation, rounded as PyTorch's default on a CPU. */
    readonly fused: boolean
    readonly beta1: number
    readonly beta2: number
    readonly eps: number
    /** A step's lr × lrScale is the group's; weight decay is Adam's L2 or AdamW's decoupled one. */
    readonly groups: readonly { readonly lrScale: number; readonly weightDecay: number }[]
  }
  /** Used with fp16. */
  readonly scaler: {
    readonly initScale: number
    readonly growthFactor: number
    readonly backoffFactor: number
    readonly growthInterval: number
  }
  /** 0: none. */
  readonly clipNorm: number
  /** For each trainable parameter in `describe`'s order, its index in `optimizer.groups`; −1: frozen. */
  readonly groupOf: Int32Array
  readonly labelSmoothing: number
  /** One a class, or empty. */
  readonly classWeights: Float32Array
  /** Batch norm in evaluation mode during training: for all layers but the head's (there is none in it). */
  readonly freezeBatchNorm: boolean
  /** Nothing of the addon's own in libtorch's place. */
  readonly plainKernels: boolean
  /** Scoring in fp32, whatever the precision. */
  readonly scoreInFp32: boolean
  /** cuDNN times its algorithms at the first batch of a shape. */
  readonly cudnnBenchmark: boolean
  /** The processes that train this model together. Each rank makes the same sessions, and the same calls of them. */
  readonly group?: NativeGroup
  /** With a group: batch norm by the statistics of all ranks' images, as `torch.nn.SyncBatchNorm`. */
  readonly syncBatchNorm?: boolean
}

/** A kernel for a GPU as the driver loads it. The code is trusted to be what was once given under that key. */
export interface CompiledKernel {
  /** Of letters, digits, `.`, `_` and `-`: tells the GPU's architecture, NVRTC's version, and a hash of the source. */
  readonly key: string
  readonly code: Uint8Array
}

/** Where a process stands among those that train together: torch.distributed's words. */
export interface NativeGroupOptions {
  readonly rank: number
  readonly worldSize: number
  readonly masterAddress: string
  readonly masterPort: number
  /** Whether this process hosts the TCPStore at that address, where the ranks meet. */
  readonly serve: boolean
  /** Of the group's keys in the store, which may have been used before. */
  readonly prefix: string
  /** What must be equal on all ranks, in words: where it differs, the error tells both. */
  readonly identity: string
  /** Of joining and of each collective. */
  readonly timeoutSeconds: number
  /** What reduces a GPU's gradients; a CPU's always go by gloo. */
  readonly backend: 'gloo' | 'nccl'
  /** That this rank computes on: `cpu`, `cuda:0` … */
  readonly device: string
}

/** Collectives: every rank makes the same calls in the same order. They run on the engine thread, among the sessions' steps. */
export interface NativeGroup {
  readonly rank: number
  readonly worldSize: number
  barrier(): Promise<void>
  /** The bytes of the rank `root`. */
  broadcast(bytes: Uint8Array, root: number): Promise<Uint8Array>
  allGather(bytes: Uint8Array): Promise<readonly Uint8Array[]>
  /** Sums over all ranks. */
  allReduce(numbers: Float64Array): Promise<Float64Array>
  leave(): Promise<void>
  /** What this rank has begun to send by gloo: bytes of its tensors, of which a ring of n ranks sends 2 (n − 1) / n times as many. */
  traffic(): { readonly collectives: number; readonly bytes: number }
  /** Not a collective, and not on the engine thread: ends what waits for other ranks. */
  abort(reason: string): void
}

export interface NativeEntry {
  /** As torchvision's state_dict spells it; in the training state `optimizer.exp_avg.<name>` and so on, then `scaler.*` with fp16. */
  readonly name: string
  readonly dtype: 'float32' | 'int64'
  readonly shape: readonly number[]
}

export interface NativeModel {
  /** In state_dict order. */
  readonly tensors: readonly NativeTensor[]
  readonly graph: ModelGraph
}

export interface NativeTensor extends NativeEntry, TensorUse {}

/**
 * The batch kernel's work: `size` images, each with its plan (design: sample × colour × clamp × normalize).
 * Copied at the call, so the caller may reuse its arrays at once.
 */
export interface NativeImages {
  /** Sources one after another, uint8, height × width × 3 each; or an array an image, of the height and width in `sizes`. */
  readonly pixels: Uint8Array | readonly Uint8Array[]
  /** [size, 2]: height and width of each array's image, which comes into the middle of its source, on black. Only for several arrays. */
  readonly sizes?: Int32Array | undefined
  /** [size, 2]: height and width of each source. */
  readonly shapes: Int32Array
  /** [size, PLAN_LENGTH]: see `src/augment/plan.ts`. */
  readonly plans: Float64Array
  /** Output height and width. */
  readonly output: number
  /** Mean then standard deviation, RGB each, of pixels in 0–1. */
  readonly meanStd: Float64Array
  /**
   * [size]: where in the session's memory for pixels an image lies or comes to stay, as an offset; −1: nowhere. An image lies within
   * one chunk of `PIXEL_CHUNK` bytes. Absent: all are brought for this batch alone.
   */
  readonly places?: Float64Array | undefined
  /** [size]: 1 where `pixels` and `sizes` have the image, 0 where it lies at its place. With `places`. */
  readonly brought?: Uint8Array | undefined
}

/** kPixelChunk in `native/torch/session/batch.h`. */
export const PIXEL_CHUNK = 1 << 26

export interface NativeSession {
  readonly numParameters: number
  /** A GPU's kernels that this session has compiled, since they were not given or were refused by the driver. */
  readonly compiledKernels: readonly CompiledKernel[]
  /**
   * Layout of the two flat buffers below: entries packed one after another in this order, no padding, row-major
   * (NCHW for 4-d weights, whatever the memory format inside), little-endian.
   */
  readonly layout: { readonly model: readonly NativeEntry[]; readonly training: readonly NativeEntry[] }
  /**
   * autocast → loss → scaled backward → clipping → optimizer → scaler. `read: false` leaves the sums on the device. In a group the images
   * are this rank's share of the batch, which may have none; the sums are the whole group's, and `read` is the same on all ranks.
   */
  trainStep(images: NativeImages, labels: Int32Array, lr: number, read: boolean): Promise<TrainStepResult>
  /** Evaluation mode, no gradients, the session's precision or fp32. Without labels `loss` and `correct` are NaN. */
  evalStep(images: NativeImages, labels: Int32Array | undefined): Promise<EvalStepResult>
  /** Fills the buffer on the engine thread; it must not be touched until the promise settles. */
  readState(part: 'model' | 'training', into: Uint8Array): Promise<void>
  /** One mark for each entry of the layout: those with a 0 stay as they are. In a group all ranks then have rank 0's state. */
  writeState(part: 'model' | 'training', from: Uint8Array, written: Uint8Array): Promise<void>
  /** Bytes of a CUDA device's memory that nobody has taken; 0 where pixels cannot stay there, and on the CPU. */
  freeMemory(): Promise<number>
  /** Gives back the memory of pixels that came to stay. */
  clearPixels(): Promise<void>
  /** Why a CUDA device computes slower than it could, in words: kernels not compiled, steps not recorded. Steps may add to it. */
  deviceNotes(): Promise<readonly string[]>
  /** A job like the others, so it waits for those asked before it; a second one does nothing. */
  dispose(): Promise<void>
}

/** Sums over the steps since the last read. With `read: false` they are all 0, and `scale` is 1. */
export interface TrainStepResult {
  /** Steps that were summed. */
  readonly steps: number
  /** Images in those steps. */
  readonly images: number
  /**
   * Sum over images: `loss / images` is the mean. Each step adds its training loss, with label smoothing and class weights, times the
   * size of its batch.
   */
  readonly loss: number
  /** Images whose highest logit, as the model was before the step, is their label's. */
  readonly correct: number
  /** What the last step's loss was multiplied by: 1 without a loss scale. */
  readonly scale: number
  /**
   * With fp16: steps whose gradients overflowed, which changed no weight. Reading does not wait for the backward pass, so a step that was
   * skipped is counted in the next read, not in its own.
   */
  readonly skipped: number
}

export interface EvalStepResult {
  /** Sum over images of the cross entropy, without label smoothing or class weights; NaN without labels. */
  readonly loss: number
  /** Images whose highest logit is their label's; NaN without labels. */
  readonly correct: number
  /** [size, classes], row by row: the outputs of the model, before softmax. */
  readonly logits: Float32Array
}

export interface NativeError extends Error {
  readonly code: TorchgraftErrorCode
}

/** The loader addon: knows no libtorch, so that it can look at one before anything binds to it. */
export interface LoaderBinding {
  /**
   * `dlopen`s libtorch by absolute path, for good and for the whole process, and returns
   * `aoti_torch_abi_version()`'s version as `major.minor`. Throws with the system's reason when it cannot.
   */
  openLibtorch(file: string): string
  /** Does that on another thread, and tells nothing of how it went: `openLibtorch` will, and waits for it. */
  preloadLibtorch(file: string): Promise<void>
}
