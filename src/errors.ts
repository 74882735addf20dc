export type TorchgraftErrorCode =
  | 'ERR_ARGUMENT'
  | 'ERR_MODEL_UNKNOWN'
  | 'ERR_WEIGHTS_MISSING'
  | 'ERR_WEIGHTS_HASH'
  | 'ERR_STATE_DICT_MISMATCH'
  | 'ERR_DATA_EMPTY'
  | 'ERR_DATA_CLASSES'
  | 'ERR_DATA_CHANGED'
  | 'ERR_IMAGE_DECODE'
  | 'ERR_IMAGE_TOO_LARGE'
  | 'ERR_BATCH_SHAPE'
  | 'ERR_NOT_FINITE'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_DEVICE'
  | 'ERR_PRECISION'
  | 'ERR_LIBTORCH_MISSING'
  | 'ERR_LIBTORCH_VERSION'
  | 'ERR_ADDON'
  | 'ERR_RUNTIME_MISSING'
  | 'ERR_DISPOSED'
  | 'ERR_FILE_FORMAT'
  | 'ERR_FILE_CHECKSUM'
  | 'ERR_PICKLE_REFUSED'
  | 'ERR_WRITE'
  | 'ERR_RUN_EXISTS'
  | 'ERR_RUN_LOCKED'
  | 'ERR_RESUME_MISMATCH'

export interface TorchgraftErrorOptions extends ErrorOptions {
  readonly path?: string
}

/** Everything that torchgraft throws on purpose: switch on `code`, show `message`, dig in `cause`. */
export class TorchgraftError extends Error {
  readonly code: TorchgraftErrorCode
  /** The file or folder that the error concerns. */
  readonly path?: string

  constructor(code: TorchgraftErrorCode, message: string, options: TorchgraftErrorOptions = {}) {
    const { path, ...rest } = options
    super(message, rest)
    this.name = 'TorchgraftError'
    this.code = code
    if (path !== undefined) this.path = path
  }
}

/** "Expected a positive integer for epochs but received -1": the one form of every complaint about an argument. */
export function argumentError(expected: string, name: string, received: unknown): TorchgraftError {
  return new TorchgraftError('ERR_ARGUMENT', `Expected ${expected} for ${name} but received ${show(received)}`)
}

/** Of what was passed as much is shown as tells what it is: a list may be long, deep, or hold itself. */
const SHOWN = { letters: 200, items: 8, depth: 2 }

function show(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(value.length > SHOWN.letters ? `${value.slice(0, SHOWN.letters)}…` : value)
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  if (!Array.isArray(value)) return 'an object'
  if (depth === SHOWN.depth) return '[…]'
  const shown = value.slice(0, SHOWN.items).map((item) => show(item, depth + 1))
  return `[${[...shown, ...(value.length > SHOWN.items ? [`… ${value.length} in all`] : [])].join(', ')}]`
}
