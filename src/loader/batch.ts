import type { Plan, Rgb } from '../augment/plan.js'

/** A batch as a session takes it: sources of any sizes, and a plan each, by which the session renders [size, 3, output, output]. */
export interface Batch {
  /** Images in it. */
  readonly size: number
  readonly images: BatchImages
  /** [size], from 0; absent where only predicting. */
  readonly labels?: Int32Array
  /** [size]: the images' numbers in their data set. */
  readonly indices: Int32Array
  /** The batch's number in its epoch, from 0. */
  readonly step: number
  /** The numbers of the whole batch's images, broken ones too, where this is the part of one of several processes. */
  readonly whole?: Int32Array
}

export interface BatchImages {
  /** Sources one after another, uint8, height × width × 3 each. */
  readonly pixels: Uint8Array
  /** [size, 2]: height and width of each source. */
  readonly shapes: Int32Array
  /** [size]: how each image is augmented. */
  readonly plans: readonly Plan[]
  /** Height and width of the rendered images, in pixels. */
  readonly output: number
  /** Taken from each channel of pixels in 0–1, which `std` then divides. */
  readonly mean: Rgb
  readonly std: Rgb
}
