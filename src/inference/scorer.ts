import type { ModelMetadata } from '../runs/model-metadata.js'
import type { Pixels } from '../images/pixels.js'

/** What computes for a classifier: a session of libtorch, or onnxruntime. */
export interface Scorer {
  /** Images that it is best given at once. */
  readonly batchSize: number
  /** Each image's probabilities, in the order of the classes. */
  score(images: readonly Pixels[]): Promise<readonly ArrayLike<number>[]>
  dispose(): Promise<void>
}

export interface OpenedScorer {
  readonly scorer: Scorer
  readonly metadata: ModelMetadata
  /** What was done on reading the model, for the user to know. */
  readonly notes: readonly string[]
}
