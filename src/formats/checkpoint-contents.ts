import { TorchgraftError } from '../errors.js'
import type { LazyTensor } from './lazy-tensor.js'
import { PickleDict } from './pickle.js'
import type { PthFile } from './pth.js'
import { TorchTensor } from './torch-tensor.js'

export interface CheckpointContents {
  /** By torchvision's names. */
  readonly model: ReadonlyMap<string, LazyTensor>
  /** As `optimizer.state_dict()` gave it. */
  readonly optimizer: PickleDict | undefined
  /** What was done to the names, for the user to know. */
  readonly notes: readonly string[]
}

/** Where people put a model's state_dict, and an optimizer's, in a checkpoint. */
const MODEL_KEYS = ['state_dict', 'model_state_dict', 'model']
const OPTIMIZER_KEYS = ['optimizer', 'optimizer_state_dict']
/** What `DataParallel` and `torch.compile` put before each name. */
const WRAPPERS = ['module.', '_orig_mod.']

/**
 * Finds the model in a file: a plain state_dict, or one under the names that checkpoints use; timm's names are mapped.
 *
 * @throws ERR_FILE_FORMAT where there is none, naming what there is
 */
export function contentsOf({ path, value }: PthFile): CheckpointContents {
  if (!(value instanceof PickleDict)) throw refuse(path, 'it holds no dict')
  const plain = tensorsOf(value)
  if (plain) return { ...torchvisionNames(plain), optimizer: undefined }
  const model = MODEL_KEYS.map((key) => tensorsOf(value.get(key))).find((tensors) => tensors !== undefined)
  if (!model) throw refuse(path, `it holds ${[...value.keys()].slice(0, 8).map(String).join(', ')}, and none of ${MODEL_KEYS.join(', ')} is a dict of tensors`)
  const optimizer = OPTIMIZER_KEYS.map((key) => value.get(key)).find((part): part is PickleDict => part instanceof PickleDict)
  return { ...torchvisionNames(model), optimizer }
}

function tensorsOf(value: unknown): Map<string, LazyTensor> | undefined {
  if (!(value instanceof PickleDict) || value.size === 0) return undefined
  const tensors = new Map<string, LazyTensor>()
  for (const [name, tensor] of value) {
    if (typeof name !== 'string' || !(tensor instanceof TorchTensor)) return undefined
    tensors.set(name, tensor)
  }
  return tensors
}

function torchvisionNames(tensors: ReadonlyMap<string, LazyTensor>): { readonly model: ReadonlyMap<string, LazyTensor>; readonly notes: readonly string[] } {
  const notes: string[] = []
  let model = tensors
  for (const wrapper of WRAPPERS) {
    if (![...model.keys()].every((name) => name.startsWith(wrapper))) continue
    model = rename(model, (name) => name.slice(wrapper.length))
    notes.push(`Names began with "${wrapper}", which was taken off.`)
  }
  if ([...model.keys()].some((name) => /^s\d+\.b\d+\./.test(name))) {
    model = rename(model, fromTimm)
    notes.push('Names were timm’s, and were mapped to torchvision’s.')
  }
  return { model, notes }
}

/** timm's RegNet (timm/models/regnet.py) in torchvision's words. */
export function fromTimm(name: string): string {
  return name
    .replace(/^s(\d+)\.b(\d+)\./, (_, stage: string, block: string) => `trunk_output.block${stage}.block${stage}-${Number(block) - 1}.`)
    .replace(/^stem\.conv\./, 'stem.0.')
    .replace(/^stem\.bn\./, 'stem.1.')
    .replace(/\.downsample\.conv\./, '.proj.0.')
    .replace(/\.downsample\.bn\./, '.proj.1.')
    .replace(/\.conv([123])\.conv\./, (_, number: string) => `.f.${'abc'[Number(number) - 1]}.0.`)
    .replace(/\.conv([123])\.bn\./, (_, number: string) => `.f.${'abc'[Number(number) - 1]}.1.`)
    .replace(/\.se\.(fc[12])\./, '.f.se.$1.')
    .replace(/^head\.fc\./, 'fc.')
}

function rename(tensors: ReadonlyMap<string, LazyTensor>, to: (name: string) => string): Map<string, LazyTensor> {
  return new Map([...tensors].map(([name, tensor]) => [to(name), tensor]))
}

function refuse(path: string, reason: string): TorchgraftError {
  return new TorchgraftError('ERR_FILE_FORMAT', `There is no model in ${path}: ${reason}. In Python: torch.save(model.state_dict(), FILE)`, { path })
}
