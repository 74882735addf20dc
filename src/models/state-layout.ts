import { types } from 'node:util'
import { TorchgraftError } from '../errors.js'
import type { LazyStateDict } from '../formats/lazy-tensor.js'
import { shortList } from '../formats/short-name.js'
import { byteLength, describeTensor, type StateDict, type Tensor, toFloat32 } from '../formats/tensor.js'
import { plural } from '../text/plural.js'
import type { NativeEntry } from '../addon/binding.js'

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

function layoutBytes(layout: readonly NativeEntry[]): number {
  return layout.reduce((sum, { dtype, shape }) => sum + byteLength(dtype, shape), 0)
}

/** A flat buffer for all of a layout. @throws ERR_OUT_OF_MEMORY */
export function allocateState(layout: readonly NativeEntry[]): Uint8Array {
  const bytes = layoutBytes(layout)
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    throw new TorchgraftError('ERR_OUT_OF_MEMORY', `There is not enough memory for a copy of the model's state (${Math.ceil(bytes / 1e6)} MB), which loading and saving take. Try a smaller model`, { cause })
  }
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

export interface PackedState {
  /** A flat buffer in the layout's order. */
  readonly buffer: Uint8Array
  /** 1 for each entry that the state has. */
  readonly written: Uint8Array
}

/**
 * The tensors that fit, converted to what the layout holds: at once where all of them are in memory, so that what the
 * caller changes afterwards changes nothing; else when they are read.
 *
 * @throws ERR_STATE_DICT_MISMATCH for a tensor whose bytes are not those of its shape
 */
export function packState(layout: readonly NativeEntry[], state: LazyStateDict): PackedState | Promise<PackedState> {
  const packed: PackedState = { buffer: allocateState(layout), written: new Uint8Array(layout.length) }
  const lazy: (() => Promise<void>)[] = []
  let offset = 0
  for (const [i, entry] of layout.entries()) {
    const at = offset
    offset += byteLength(entry.dtype, entry.shape)
    const found = state.get(entry.name)
    if (!found || !fits(entry, found)) continue
    packed.written[i] = 1
    if ('data' in found) put(entry, found, packed.buffer, at)
    else lazy.push(async () => put(entry, await found.load(), packed.buffer, at))
  }
  return lazy.length === 0 ? packed : readInTurn(lazy, packed)
}

/** One at a time: a file of any size takes no more than its largest. */
async function readInTurn(lazy: readonly (() => Promise<void>)[], packed: PackedState): Promise<PackedState> {
  for (const read of lazy) await read()
  return packed
}

function put({ name, dtype, shape }: NativeEntry, tensor: Tensor, into: Uint8Array, offset: number): void {
  const expected = byteLength(tensor.dtype, shape)
  if (!types.isUint8Array(tensor.data) || tensor.data.length !== expected) {
    throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', `Expected ${plural(expected, 'byte')} for ${name}, which is ${describeTensor(tensor)}, but received ${types.isUint8Array(tensor.data) ? tensor.data.length : 'no Uint8Array'}`)
  }
  into.set(tensor.dtype === dtype ? tensor.data : new Uint8Array(toFloat32(tensor).buffer), offset)
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
  return `${what} ${shortList(names)}`
}

function fits(entry: NativeEntry, tensor: Shaped): boolean {
  const kind = (entry.dtype === 'int64') === (tensor.dtype === 'int64')
  return kind && entry.shape.length === tensor.shape.length && entry.shape.every((size, i) => size === tensor.shape[i])
}
