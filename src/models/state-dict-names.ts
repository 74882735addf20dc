import type { LazyTensor } from '../formats/lazy-tensor.js'
import { ANCHORS, hasOwnAnchor, toTorchvision } from './foreign-names.js'
import { shortList, shortName } from '../formats/short-name.js'
import type { Tensor } from '../formats/tensor.js'

type Shaped = Pick<Tensor, 'dtype' | 'shape'>
export interface NamedTensors<T> {
  /** By torchvision's names, as far as they could be found. */
  readonly tensors: ReadonlyMap<string, T | LazyTensor>
  /** What was done to the names, for the user to know. */
  readonly notes: readonly string[]
}

/** What `DataParallel`, `torch.compile`, FSDP and activation checkpointing put before names. */
const WRAPPERS = ['module.', '_orig_mod.', '_fsdp_wrapped_module.', '_checkpoint_wrapped_module.']
const MAX_WRAPPERS = 16
/** The last three come anywhere in a name. */
const INNER_WRAPPERS = new Set(['_orig_mod', '_fsdp_wrapped_module', '_checkpoint_wrapped_module'])
/** Buffers that tools add: averaging counts its updates, thop each module's operations. */
const BOOKKEEPING = new Set(['n_averaged', 'total_ops', 'total_params'])
/** Copies that follow a model: where there are two, the other is meant. */
const COPY = /ema|teacher|target|momentum|average|swa/i

/**
 * Finds torchvision's names in a state_dict: without the prefixes that wrappers and the modules around a model give,
 * timm's and Hugging Face's mapped, and the counters that batch norm had not before PyTorch 0.4.1 at zero.
 */
export function torchvisionNames<T extends Shaped>(given: ReadonlyMap<string, T>): NamedTensors<T> {
  const notes: string[] = []
  const unwrapped = dropInnerWrappers(ownTensors(given, notes), notes)
  const { tensors, from } = toTorchvision(unwrapped)
  if (from !== undefined) notes.push(`Names were ${from}, and were mapped to torchvision’s.`)
  return { tensors: addCounters(tensors, notes), notes }
}

/** What lies under the model's prefix, without it, and without what tools have added. */
function ownTensors<T>(given: ReadonlyMap<string, T>, notes: string[]): ReadonlyMap<string, T> {
  const names = [...given.keys()]
  const [prefix = commonWrappers(names), ...others] = prefixesOfModels(names)
  const kept = new Map<string, T>()
  const left: string[] = []
  for (const [name, tensor] of given) {
    if (name.startsWith(prefix) && !BOOKKEEPING.has(lastPart(name))) kept.set(name.slice(prefix.length), tensor)
    else left.push(name)
  }
  if (prefix !== '') notes.push(`Names began with ${JSON.stringify(shortName(prefix))}, which was taken off.`)
  if (others.length > 0) notes.push(`It holds other models, which were not taken: under ${shortList(others)}.`)
  if (left.length === 1) notes.push(`1 tensor that is not the model’s was left out: ${shortList(left)}.`)
  if (left.length > 1) notes.push(`${left.length} tensors that are not the model’s were left out: ${shortList(left)}.`)
  return kept
}

/** What stands before a RegNet's first weight: the one that is most likely meant first. */
function prefixesOfModels(names: readonly string[]): string[] {
  for (const anchor of ANCHORS) {
    const anchors = names.filter((name) => name === anchor || name.endsWith(`.${anchor}`))
    const prefixes = anchors.map((name) => name.slice(0, name.length - anchor.length))
    if (prefixes.length > 0) return prefixes.sort((a, b) => Number(COPY.test(a)) - Number(COPY.test(b)) || a.length - b.length)
  }
  return []
}

/** Of a model that is no RegNet: wrappers alone, until none is before all names, or to a limit. */
function commonWrappers(names: readonly string[]): string {
  const weights = names.filter((name) => !BOOKKEEPING.has(lastPart(name)))
  let prefix = ''
  for (let count = 0; count < MAX_WRAPPERS; count++) {
    const wrapper = WRAPPERS.find((candidate) => weights.length > 0 && weights.every((name) => name.startsWith(candidate, prefix.length)))
    if (wrapper === undefined) break
    prefix += wrapper
  }
  return prefix
}

/** Unless two names became one by it. */
function dropInnerWrappers<T>(tensors: ReadonlyMap<string, T>, notes: string[]): ReadonlyMap<string, T> {
  const parts = (name: string): string[] => name.split('.').filter((part) => !INNER_WRAPPERS.has(part))
  const renamed = new Map([...tensors].map(([name, tensor]) => [parts(name).join('.'), tensor]))
  const changed = [...tensors.keys()].some((name) => !renamed.has(name))
  if (!changed || renamed.size !== tensors.size) return tensors
  notes.push('Names had those of wrappers within them, which were taken out.')
  return renamed
}

const ZERO: LazyTensor = { dtype: 'int64', shape: [], load: () => Promise.resolve({ dtype: 'int64', shape: [], data: new Uint8Array(8) }) }

/** Of a RegNet, as PyTorch does where it reads such a file. Nothing is computed with them. */
function addCounters<T>(tensors: ReadonlyMap<string, T>, notes: string[]): ReadonlyMap<string, T | LazyTensor> {
  if (!hasOwnAnchor(tensors)) return tensors
  const counted = new Map<string, T | LazyTensor>()
  for (const [name, tensor] of tensors) {
    counted.set(name, tensor)
    const counter = name.replace(/running_var$/, 'num_batches_tracked')
    if (counter !== name && !tensors.has(counter)) counted.set(counter, ZERO)
  }
  if (counted.size > tensors.size) notes.push('The counters num_batches_tracked, which it does not hold, were set to 0, as PyTorch does.')
  return counted
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
