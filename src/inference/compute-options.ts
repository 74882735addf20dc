import type { Fields } from '../options/fields.js'
import { SESSION_FIELDS } from '../session/check-options.js'
import type { SessionOptions } from '../session/options.js'
import { FOREIGN_FIELDS, type ForeignOptions } from './options.js'

export interface ComputeOptions extends Pick<SessionOptions, 'device' | 'precision' | 'threads'>, ForeignOptions {}

/** What each option of computing with a model file takes. */
export const COMPUTE_FIELDS: Fields<ComputeOptions> = {
  device: SESSION_FIELDS.device, precision: SESSION_FIELDS.precision, threads: SESSION_FIELDS.threads, ...FOREIGN_FIELDS,
}
