import { type Fields, list, text, integerField } from '../options/checks.js'
import { SESSION_FIELDS } from '../session/check-options.js'
import type { SessionOptions } from '../session/options.js'

/** What a model file of others does not say of itself. */
export interface ForeignOptions {
  /** Names of the outputs, in their order, of a file that tells none: a .pth file, or weights that others wrote. */
  readonly classes?: readonly string[]
  /** Of such a file: height and width of what its model sees, in pixels. 32 to 2048. @default 224 */
  readonly size?: number
}

/** Where and how a model file is computed. */
export interface ComputeOptions extends Pick<SessionOptions, 'device' | 'precision' | 'threads'>, ForeignOptions {}

/** What each option of a file that tells no classes takes. */
export const FOREIGN_FIELDS: Fields<ForeignOptions> = { classes: list(text('a name')), size: integerField({ min: 32, max: 2048 }) }

/** What each option of computing with a model file takes. */
export const COMPUTE_FIELDS: Fields<ComputeOptions> = {
  device: SESSION_FIELDS.device, precision: SESSION_FIELDS.precision, threads: SESSION_FIELDS.threads, ...FOREIGN_FIELDS,
}
