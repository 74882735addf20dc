import { TorchgraftError } from '../errors.js'
import type { LazyTensor } from '../formats/lazy-tensor.js'
import { PickleDict, PickleTuple } from '../formats/pth/pickle-values.js'
import type { PthFile } from '../formats/pth/pth.js'
import { shortList, shortName } from '../formats/short-name.js'
import { torchvisionNames } from './state-dict-names.js'
import { TorchTensor } from '../formats/pth/torch-tensor.js'

export interface CheckpointContents {
  /** By torchvision's names. */
  readonly model: ReadonlyMap<string, LazyTensor>
  /** As `optimizer.state_dict()` gave it. */
  readonly optimizer: PickleDict | undefined
  /** What was done to the names, for the user to know. */
  readonly notes: readonly string[]
}

/** Where people put a model's state_dict in a checkpoint, those that are most likely meant first; any other key comes between the two. */
const MODEL_KEYS = ['state_dict', 'model_state_dict', 'model', 'model_state', 'net', 'network', 'weights', 'params', 'module', 'student']
const COPY_KEYS = [
  'model_ema', 'ema', 'state_dict_ema', 'ema_state_dict', 'model_ema_state_dict', 'ema_state', 'ema_model',
  'averaged_model', 'swa_model', 'teacher',
]
/** Under these it is told without a word. */
const USUAL_KEYS = new Set(['state_dict', 'model_state_dict', 'model'])
const OPTIMIZER_KEYS = ['optimizer', 'optimizer_state_dict', 'optim', 'optimizer_state', 'opt']
/** A checkpoint may be anything, and may hold itself: dicts and lists inside one another that are looked into, and all of their entries. */
const MAX_DEPTH = 6
const MAX_ENTRIES = 1_000_000
const MAX_TENSORS = 10_000
/** Tensors may be views of one storage, as tied weights are: so many times what the file holds. */
const MAX_EXPANSION = 4

/**
 * Finds the model in a file: a plain state_dict, or one in a checkpoint, by torchvision's names.
 *
 * @throws ERR_FILE_FORMAT where there is none, naming what there is
 */
export function contentsOf({ path, value, size }: PthFile): CheckpointContents {
  if (!isCollection(value)) throw refuse(path, 'it holds no dict')
  const [found, ...others] = candidatesIn(value).sort((a, b) => a.rank - b.rank || b.tensors.size - a.tensors.size)
  if (!found) {
    const keys = value instanceof PickleDict ? shortList([...value.keys()].map(String), 8) || 'an empty dict' : 'a list'
    throw refuse(path, `it holds ${keys}, and no dict of tensors among it`)
  }
  if (found.tensors.size > MAX_TENSORS) throw refuse(path, `it holds ${found.tensors.size} tensors, far more than any model here has`)
  const bytes = [...found.tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0)
  if (bytes > size * MAX_EXPANSION) throw refuse(path, `its tensors together would be ${bytes} bytes, and the file has ${size}`)
  const { tensors, notes } = torchvisionNames(found.tensors)
  return { model: tensors, optimizer: optimizerBeside(found.holder), notes: [...placeNotes(found, others), ...notes] }
}

interface Place {
  readonly value: unknown
  /** Keys and places, from outside. */
  readonly at: readonly string[]
  /** The dict that it lies in. */
  readonly holder: unknown
}

interface Candidate extends Omit<Place, 'value'> {
  readonly rank: number
  readonly tensors: ReadonlyMap<string, TorchTensor>
  /** Names of what else is in that dict. */
  readonly rest: readonly string[]
}

/** All dicts of tensors, each once, breadth first. */
function candidatesIn(root: unknown): Candidate[] {
  const candidates: Candidate[] = []
  const seen = new Set<unknown>([root])
  let level: Place[] = [{ value: root, at: [], holder: root }]
  let left = MAX_ENTRIES
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const next: Place[] = []
    for (const { value, at, holder } of level) {
      if (isOptimizer(value)) continue
      const tensors = new Map<string, TorchTensor>()
      const rest: string[] = []
      for (const [key, part] of entriesOf(value)) {
        if (left-- === 0) return candidates
        if (typeof key === 'string' && part instanceof TorchTensor) tensors.set(key, part)
        else if (typeof key === 'string') rest.push(key)
        if (!isCollection(part) || seen.has(part)) continue
        seen.add(part)
        next.push({ value: part, at: [...at, String(key)], holder: value })
      }
      const likely = tensors.size > 0 && (rest.length === 0 || hasWeights(tensors))
      if (likely) candidates.push({ at, rank: rankOf(at, tensors), tensors, rest, holder })
    }
    level = next
  }
  return candidates
}

/** By the innermost key; a plain state_dict comes before what lies under a key that nobody knows. */
function rankOf(at: readonly string[], tensors: ReadonlyMap<string, TorchTensor>): number {
  const keys = at.map((key) => shortName(key).toLowerCase())
  const last = MODEL_KEYS.indexOf(keys.at(-1) ?? '')
  const place = last >= 0 ? last : at.length === 0 ? 50 : 100
  const copy = Math.max(-1, ...keys.map((key) => COPY_KEYS.indexOf(key)))
  const unlikely = hasWeights(tensors) ? 0 : 1000 // such as the states of random generators
  return unlikely + (copy >= 0 ? 200 + copy : place)
}

function hasWeights(tensors: ReadonlyMap<string, TorchTensor>): boolean {
  return [...tensors.keys()].some((name) => name === 'weight' || name.endsWith('.weight') || name.endsWith('.running_mean'))
}

function placeNotes({ at, rest }: Candidate, others: readonly Candidate[]): string[] {
  const told = (keys: readonly string[]): string => keys.map(shortName).join('.')
  const rivals = others.filter((other) => other.at.length > 0 && hasWeights(other.tensors)).map((other) => told(other.at))
  const usual = at.length === 0 || (at.length === 1 && USUAL_KEYS.has(at[0]!))
  return [
    ...(usual ? [] : [`The model was taken from ${JSON.stringify(told(at))} in it.`]),
    ...(rivals.length > 0 ? [`Not taken was what lies under ${shortList(rivals)}.`] : []),
    ...(rest.length > 0 ? [`What is no tensor was left out: ${shortList(rest)}.`] : []),
  ]
}

function optimizerBeside(holder: unknown): PickleDict | undefined {
  if (!(holder instanceof PickleDict)) return undefined
  return OPTIMIZER_KEYS.map((key) => holder.get(key)).find((part): part is PickleDict => isOptimizer(part))
}

function isOptimizer(value: unknown): value is PickleDict {
  return value instanceof PickleDict && value.has('param_groups')
}

function isCollection(value: unknown): value is PickleDict | PickleTuple | readonly unknown[] {
  return value instanceof PickleDict || value instanceof PickleTuple || Array.isArray(value)
}

function entriesOf(value: unknown): Iterable<[string | number | bigint, unknown]> {
  if (value instanceof PickleDict) return value.entries()
  return ((value instanceof PickleTuple ? value.items : value) as readonly unknown[]).entries()
}

function refuse(path: string, reason: string): TorchgraftError {
  return new TorchgraftError('ERR_FILE_FORMAT', `There is no model in ${path}: ${reason}. In Python: torch.save(model.state_dict(), FILE)`, { path })
}
