import { argumentError } from '../errors.js'

export interface NumberRange {
  readonly min?: number
  readonly max?: number
  /** `min` itself is not allowed. */
  readonly above?: number
}

/** The value, if it is an integer within the range; else ERR_ARGUMENT. */
export function integer(value: unknown, name: string, { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: NumberRange = {}): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw argumentError(`an integer${within(min, max)}`, name, value)
}

/** The value, if it is a finite number within the range; else ERR_ARGUMENT. */
export function finite(value: unknown, name: string, { min = -Infinity, max = Infinity, above = -Infinity }: NumberRange = {}): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max && value > above) return value
  throw argumentError(above > -Infinity ? `a number above ${above}${max < Infinity ? `, at most ${max},` : ''}` : `a number${within(min, max)}`, name, value)
}

/** The value, if it is one of a closed set of words; else ERR_ARGUMENT. */
export function oneOf<T extends string>(value: unknown, name: string, words: readonly T[]): T {
  const found = words.find((word) => word === value)
  if (found !== undefined) return found
  throw argumentError(`one of ${words.join(', ')}`, name, value)
}

function within(min: number, max: number): string {
  const low = min > Number.MIN_SAFE_INTEGER
  const high = max < Number.MAX_SAFE_INTEGER
  if (low && high) return ` from ${min} to ${max}`
  if (low) return ` of at least ${min}`
  return high ? ` of at most ${max}` : ''
}
