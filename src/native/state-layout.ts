import { TorchgraftError } from '../errors.js'
import { type LazyStateDict, loadTensor } from '../formats/lazy-tensor.js'
import { byteLength, describeTensor, type StateDict, type Tensor, toFloat32 } from '../formats/tensor.js'
import type { NativeEntry } from './binding.js'

/** How a state_dict that was loaded differs from what the model has, by names. */
export interface LoadReport {
  /** In the model, not in what was loaded. */
  readonly missing: readonly string[]
  /** In what was loaded, not in the model. */
  readonly unexpected: readonly string[]
  /** In both, with another shape or kind: left as they were. */
  readonly mismatched: readonly { readonly name: string; readonly expected: string; readonly received: string }[]
}

/** As much of a tensor as a comparison takes. */
export type Shaped = Pick<Tensor, 'dtype' | 'shape'>

export function layoutBytes(layout: readonly NativeEntry[]): number {
  return layout.reduce((sum, { dtype, shape }) => sum + byteLength(dtype, shape), 0)
}

/** Names for the parts of a flat buffer; the tensors share its memory. */
export function unpackState(layout: readonly NativeEntry[], buffer: Uint8Array): StateDict {
  const state = new Map<string, Tensor>()
  let offset = 0
  for (const { name, dtype, shape } of layout) {
    state.set(name, { dtype, shape, data: buffer.subarray(offset, (offset += byteLength(dtype, shape))) })
  }
  return state
}

/** Compares a state with a layout, name by name. */
export function compareState(layout: readonly NativeEntry[], state: ReadonlyMap<string, Shaped>): LoadReport {
  const names = new Set(layout.map(({ name }) => name))
  const mismatched: LoadReport['mismatched'][number][] = []
  const missing: string[] = []
  for (const entry of layout) {
    const tensor = state.get(entry.name)
    if (!tensor) missing.push(entry.name)
    else if (!fits(entry, tensor)) mismatched.push({ name: entry.name, expected: describeTensor(entry), received: describeTensor(tensor) })
  }
  return { missing, unexpected: [...state.keys()].filter((name) => !names.has(name)), mismatched }
}

/** Writes the tensors that fit into the flat buffer, converted to what the layout holds. */
export async function packState(layout: readonly NativeEntry[], state: LazyStateDict, into: Uint8Array): Promise<void> {
  let offset = 0
  for (const entry of layout) {
    const length = byteLength(entry.dtype, entry.shape)
    const found = state.get(entry.name)
    if (found && fits(entry, found)) {
      const tensor = await loadTensor(found) // one at a time: a file of any size takes no more than its largest
      into.set(tensor.dtype === entry.dtype ? tensor.data : new Uint8Array(toFloat32(tensor).buffer), offset)
    }
    offset += length
  }
}

/** @throws ERR_STATE_DICT_MISMATCH, naming the first few of each kind. */
export function mismatchError({ missing, unexpected, mismatched }: LoadReport): TorchgraftError {
  const parts = [
    list('missing', missing),
    list('unexpected', unexpected),
    list('of another shape', mismatched.map(({ name, expected, received }) => `${name} (expected ${expected}, received ${received})`)),
  ]
  return new TorchgraftError('ERR_STATE_DICT_MISMATCH', `These weights do not fit the model: ${parts.filter((part) => part !== '').join('; ')}`)
}

function list(what: string, names: readonly string[]): string {
  if (names.length === 0) return ''
  const more = names.length > 4 ? ` and ${names.length - 4} more` : ''
  return `${what} ${names.slice(0, 4).join(', ')}${more}`
}

function fits(entry: NativeEntry, tensor: Shaped): boolean {
  const kind = (entry.dtype === 'int64') === (tensor.dtype === 'int64')
  return kind && entry.shape.length === tensor.shape.length && entry.shape.every((size, i) => size === tensor.shape[i])
}
