import type { ModelMetadata } from '../runs/model-metadata.js'
import type { Pixels } from '../images/pixels.js'

/** What computes for a classifier: a session of libtorch, or onnxruntime. */
export interface Scorer {
  /** Each image's probabilities, in the order of the classes. */
  score(images: readonly Pixels[]): Promise<readonly (readonly number[])[]>
  dispose(): Promise<void>
}

export interface OpenedScorer {
  readonly scorer: Scorer
  readonly metadata: ModelMetadata
  /** What was done on reading the model, for the user to know. */
  readonly notes: readonly string[]
}
