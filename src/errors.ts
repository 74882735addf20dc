/** What went wrong, for programs: codes stay, messages may change. */
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
  | 'ERR_BUNDLED'
  | 'ERR_DISPOSED'
  | 'ERR_FILE_FORMAT'
  | 'ERR_FILE_CHECKSUM'
  | 'ERR_PICKLE_REFUSED'
  | 'ERR_WRITE'
  | 'ERR_RUN_EXISTS'
  | 'ERR_RUN_LOCKED'
  | 'ERR_RESUME_MISMATCH'
  | 'ERR_DISTRIBUTED'

export interface TorchgraftErrorOptions {
  /** The error that this one reports. */
  readonly cause?: unknown
  /** The file or folder that the error concerns. */
  readonly path?: string
}

/** How a message names an option: `output`, `resume: true`; on the command line `--output`, `--resume`. */
export type NameOption = (name: string, value?: OptionValue) => string
export type OptionValue = string | boolean | null
/** A message, or what makes it for readers who know the options by other names: on the command line by their flags. */
export type Message = string | ((option: NameOption) => string)

/** As the library's users write options: `output`, `resume: true`. */
const AS_IN_CODE: NameOption = (name, value) => {
  if (value === undefined) return name
  return `${name}: ${typeof value === 'string' ? `'${value}'` : String(value)}`
}

const MESSAGES = new WeakMap<TorchgraftError, Message>()

/** Every error that torchgraft throws on purpose: switch on `code`, show `message`, look into `cause`. */
export class TorchgraftError extends Error {
  readonly code: TorchgraftErrorCode
  /** The file or folder that the error concerns. */
  readonly path?: string

  constructor(code: TorchgraftErrorCode, message: string, options?: TorchgraftErrorOptions)
  /** @internal */
  constructor(code: TorchgraftErrorCode, message: Message, options?: TorchgraftErrorOptions)
  constructor(code: TorchgraftErrorCode, message: Message, options: TorchgraftErrorOptions = {}) {
    const { path, ...rest } = options
    super(worded(message, AS_IN_CODE), rest)
    this.name = 'TorchgraftError'
    this.code = code
    if (path !== undefined) this.path = path
    MESSAGES.set(this, message)
  }
}

/** An error's message for a reader who knows options by other names than the library's. */
export function messageFor(error: TorchgraftError, option: NameOption): string {
  return worded(MESSAGES.get(error) ?? error.message, option)
}

/** "Expected a positive integer for epochs but received -1": the one form of every complaint about an argument. */
export function argumentError(expected: Message, name: string, received: unknown): TorchgraftError {
  const shown = show(received)
  return new TorchgraftError('ERR_ARGUMENT', (option) => `Expected ${worded(expected, option)} for ${option(name)} but received ${shown}`)
}

function worded(message: Message, option: NameOption): string {
  return typeof message === 'string' ? message : message(option)
}

/** Of a long value the beginning is shown. */
const MAX_LETTERS = 200
const MAX_PARTS = 20
const MAX_DEPTH = 3

function show(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(value.length > MAX_LETTERS ? `${value.slice(0, MAX_LETTERS)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  if (!Array.isArray(value)) return kindOf(value)
  if (depth === MAX_DEPTH) return '[…]'
  const parts = (value as unknown[]).slice(0, MAX_PARTS).map((part) => show(part, depth + 1))
  return `[${parts.join(', ')}${value.length > MAX_PARTS ? ', …' : ''}]`
}

/** "a Date", "an ArrayBuffer": an object by the name of its class. */
function kindOf(value: object): string {
  if (value instanceof URL) return `the URL ${show(value.href)}`
  const { constructor } = value as { readonly constructor?: unknown }
  const name = typeof constructor === 'function' ? constructor.name : ''
  if (name === '' || name === 'Object' || !/^[\w$]{1,60}$/.test(name)) return 'an object'
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`
}
