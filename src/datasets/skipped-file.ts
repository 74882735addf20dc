import type { TorchgraftErrorCode } from '../errors.js'

/** A file of a data folder that is no image to train on, and why. */
export interface SkippedFile {
  readonly path: string
  readonly code: TorchgraftErrorCode
  readonly message: string
}
