import { types } from 'node:util'
import { argumentError } from '../errors.js'
import type { Check } from '../options/checks.js'
import { plural } from '../text/plural.js'
import { byteLength, describeTensor, ITEM_SIZE, type Tensor } from './tensor.js'

/** Throws ERR_ARGUMENT unless a value is a StateDict, each tensor's bytes those of its shape. */
export const checkStateDict: Check = (value, name) => {
  if (!types.isMap(value)) throw argumentError('a Map of tensors by their names', name, value)
  for (const [key, tensor] of value) {
    if (typeof key !== 'string') throw argumentError('texts as names', name, key)
    checkTensor(tensor, `${name}.get(${JSON.stringify(key)})`)
  }
}

function checkTensor(value: unknown, name: string): void {
  const { dtype, shape, data } = (value ?? {}) as Partial<Tensor>
  const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0)
  if (dtype === undefined || !Object.hasOwn(ITEM_SIZE, dtype) || !isShape || !types.isUint8Array(data)) {
    throw argumentError(`a tensor (dtype of ${Object.keys(ITEM_SIZE).join(', ')}, shape, data as Uint8Array)`, name, value)
  }
  const bytes = byteLength(dtype, shape)
  if (data.length !== bytes) throw argumentError(`${plural(bytes, 'byte')}, as ${describeTensor({ dtype, shape })} has,`, `${name}.data`, data.length)
}
