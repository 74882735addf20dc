import type { Plan, Rgb } from '../augment/plan.js'

/** Images with what is to happen to them, as a session takes them. */
export interface Batch {
  readonly size: number
  readonly images: BatchImages
  /** [size]; absent where only predicting. */
  readonly labels?: Int32Array
  /** [size]: numbers of the images in their data set. */
  readonly indices: Int32Array
  /** Its number in the epoch, from 0. */
  readonly step: number
}

export interface BatchImages {
  /** Sources one after another, uint8, height × width × 3 each. */
  readonly pixels: Uint8Array
  /** [size, 2]: height and width of each source. */
  readonly shapes: Int32Array
  /** One an image. */
  readonly plans: readonly Plan[]
  /** Output height and width. */
  readonly output: number
  /** Of pixels in 0–1. */
  readonly mean: Rgb
  readonly std: Rgb
}
