import { argumentError, TorchgraftError } from '../errors.js'
import { nearestName } from './nearest-name.js'

/** Throws, naming the field, where a value is not what the field takes. */
export type Check = (value: unknown, name: string) => void
/** Of a field that must be there. */
export type RequiredCheck = Check & { readonly needed: true }
type OptionalKeys<T> = { [Name in keyof T]-?: object extends Pick<T, Name> ? Name : never }[keyof T]

/** A check for every field of an options object: the compiler asks for one wherever an option is added. */
export type Fields<T> = { readonly [Name in keyof T]-?: Name extends OptionalKeys<T> ? Check : RequiredCheck }

/**
 * Checks an options object at the public door: that it is one, that it has no field of another name, and each field.
 * A field that is undefined counts as left out.
 *
 * @throws ERR_ARGUMENT, naming the field and, where it is misspelt, the one that was probably meant
 */
export function checkFields<T>(options: unknown, fields: Fields<T>, of: string, prefix = ''): asserts options is T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw argumentError('an object', prefix === '' ? `the options of ${of}` : prefix.slice(0, -1), options)
  }
  const checks = fields as Readonly<Record<string, Check & { readonly needed?: true }>>
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(checks, name)) throw unknownField(`${prefix}${name}`, name, Object.keys(checks), of)
  }
  for (const [name, check] of Object.entries(checks)) {
    const value = (options as Readonly<Record<string, unknown>>)[name]
    if (value !== undefined || check.needed) check(value, `${prefix}${name}`)
  }
}

function unknownField(path: string, name: string, names: readonly string[], of: string): TorchgraftError {
  const meant = nearestName(name, names)
  return new TorchgraftError('ERR_ARGUMENT', `There is no option ${JSON.stringify(path)} of ${of}${meant === undefined ? `: there are ${names.join(', ')}` : `. Did you mean ${meant}?`}`)
}

export function required(check: Check): RequiredCheck {
  return Object.assign((value: unknown, name: string) => check(value, name), { needed: true } as const)
}

export interface NumberRange {
  readonly min?: number
  readonly max?: number
  /** `min` itself is not allowed. */
  readonly above?: number
}

export function integerField({ min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: NumberRange = {}): Check {
  return (value, name) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return
    throw argumentError(`an integer${within(min, max)}`, name, value)
  }
}

/** A finite number. */
export function numberField({ min = -Infinity, max = Infinity, above = -Infinity }: NumberRange = {}): Check {
  return (value, name) => {
    if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max && value > above) return
    const range = above > -Infinity ? ` above ${above}${max < Infinity ? `, at most ${max},` : ''}` : within(min, max)
    throw argumentError(`a number${range}`, name, value)
  }
}

/** One of a closed set of words. */
export function oneOfField(words: readonly string[]): Check {
  return (value, name) => {
    if (typeof value !== 'string' || !words.includes(value)) throw argumentError(`one of ${words.join(', ')}`, name, value)
  }
}

function within(min: number, max: number): string {
  const low = min > Number.MIN_SAFE_INTEGER
  const high = max < Number.MAX_SAFE_INTEGER
  if (low && high) return ` from ${min} to ${max}`
  if (low) return ` of at least ${min}`
  return high ? ` of at most ${max}` : ''
}

export const orNull = (check: Check): Check => (value, name) => {
  if (value !== null) check(value, name)
}
export const fieldsOf = <T>(fields: Fields<T>, of: string): Check => (value, name) => checkFields<T>(value, fields, of, `${name}.`)

export const booleanField: Check = (value, name) => {
  if (typeof value !== 'boolean') throw argumentError('true or false', name, value)
}

/** Any number: NaN and the infinities too. */
export const anyNumber: Check = (value, name) => {
  if (typeof value !== 'number') throw argumentError('a number', name, value)
}

export const anObject: Check = (value, name) => {
  if (typeof value !== 'object' || value === null) throw argumentError('an object', name, value)
}

/** Whatever has these methods: there may be more than one class of a name, and users bring their own. */
export const withMethods = (what: string, ...methods: readonly string[]): Check => (value, name) => {
  const parts = (value ?? {}) as Readonly<Record<string, unknown>>
  if (!methods.every((method) => typeof parts[method] === 'function')) throw argumentError(what, name, value)
}

/** A text that says something: a name, a path. */
export const text = (what: string): Check => (value, name) => {
  if (typeof value !== 'string' || value === '') throw argumentError(what, name, value)
  if (value.includes('\0')) throw argumentError(`${what} without a null character`, name, value)
}

export const callback: Check = (value, name) => {
  if (typeof value !== 'function') throw argumentError('a function', name, value)
}

/** By its shape: under test frameworks there may be more than one class of that name. */
export const abortSignal: Check = (value, name) => {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function') throw argumentError('an AbortSignal', name, value)
}

/** So many of the same kind. */
export const list = (check: Check, length?: number, what = 'an array'): Check => (value, name) => {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) throw argumentError(what, name, value)
  for (const [i, part] of value.entries()) check(part, `${name}[${i}]`)
}

export const MEAN = list(numberField(), 3, 'three numbers')
export const STD = list(numberField({ above: 0 }), 3, 'three numbers')
