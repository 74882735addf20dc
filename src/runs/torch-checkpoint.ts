import { TorchgraftError } from '../errors.js'
import { anObject, checkFields, type Fields, list, required, text } from '../options/checks.js'
import { contentsOf } from '../models/checkpoint-contents.js'
import { checkStateDict } from '../formats/check-state-dict.js'
import { loadAll } from '../formats/lazy-tensor.js'
import { PickleDict, PickleTuple } from '../formats/pth/pickle-values.js'
import { type Picklable, PythonFloat, PythonTuple } from '../formats/pth/pickle-writer.js'
import { PthFile } from '../formats/pth/pth.js'
import { writePth } from '../formats/pth/pth-writer.js'
import { shortName } from '../formats/short-name.js'
import { byteLength, scalar, type StateDict, type Tensor } from '../formats/tensor.js'
import { TorchTensor } from '../formats/pth/torch-tensor.js'
import { aPath, type LocalPath, toPath } from '../options/local-path.js'
import type { OptimizerDescription } from '../session/options.js'
import { plural } from '../text/plural.js'

export interface TorchCheckpoint {
  /** By torchvision's names. */
  readonly model: StateDict
  /** What `Session.loadTrainingState` takes. */
  readonly training?: StateDict
  readonly optimizer?: OptimizerDescription
  /** What was done on reading it, such as taking a prefix off names. Not written. */
  readonly notes?: readonly string[]
}

export interface ReadTorchOptions {
  /** Names of the parameters in each of the optimizer's groups, where it has several and does not tell them. */
  readonly groups?: readonly (readonly string[])[]
}

const WRITE_FIELDS: Fields<TorchCheckpoint> = {
  model: required(checkStateDict), training: checkStateDict, optimizer: anObject, notes: list(text('a note')),
}
const READ_FIELDS: Fields<ReadTorchOptions> = { groups: list(list(text('a name'))) }

/** What the moments may take of the file, which has them once: views of one storage could be far larger. */
const MAX_EXPANSION = 4

/**
 * Reads a checkpoint of PyTorch: a state_dict, or a dict of it and of Adam's or AdamW's. Another optimizer's is left out,
 * with a note.
 *
 * @throws ERR_FILE_FORMAT, ERR_FILE_CHECKSUM, ERR_PICKLE_REFUSED
 */
export async function readTorchCheckpoint(location: LocalPath, options: ReadTorchOptions = {}): Promise<TorchCheckpoint> {
  aPath('a .pth file')(location, 'path')
  const path = toPath(location)
  checkFields<ReadTorchOptions>(options, READ_FIELDS, 'readTorchCheckpoint')
  await using file = await PthFile.open(path)
  const { model, optimizer, notes } = contentsOf(file)
  const tensors = await loadAll(model)
  if (!optimizer) return { model: tensors, notes }
  if (!isAdam(optimizer)) return { model: tensors, notes: [...notes, 'Its optimizer is not Adam’s or AdamW’s, and was left out.'] }
  return { model: tensors, notes, ...(await readOptimizer(optimizer, tensors, options, file)) }
}

/**
 * Writes a file for PyTorch: a plain state_dict, or `{ state_dict, optimizer }` where there is an optimizer.
 * `torch.load(file, weights_only=True)` accepts it, and `torch.optim.Adam(...).load_state_dict` the optimizer, groups in
 * the same order.
 *
 * @returns the file's bytes.
 * @throws ERR_WRITE
 */
export async function writeTorchCheckpoint(location: LocalPath, contents: TorchCheckpoint): Promise<number> {
  aPath('a file')(location, 'path')
  const path = toPath(location)
  checkFields<TorchCheckpoint>(contents, WRITE_FIELDS, 'writeTorchCheckpoint')
  const { model, training, optimizer } = contents
  if (!training || !optimizer) return writePth(path, model)
  const scaler = scalerState(training)
  return writePth(path, new Map<string, Picklable>([['state_dict', model], ['optimizer', optimizerState(training, optimizer)], ...(scaler ? [['scaler', scaler] as const] : [])]))
}

/** Parameters count through the groups, in the order of both. */
function optimizerState(training: StateDict, { type, betas, eps, groups }: OptimizerDescription): Picklable {
  const state = new Map<number, Picklable>()
  const paramGroups: Picklable[] = []
  let index = 0
  for (const { lr, weightDecay, parameters } of groups) {
    const params: number[] = []
    for (const name of parameters) {
      const parts = ['step', 'exp_avg', 'exp_avg_sq'].map((part): [string, Picklable] => [part, partOf(training, `optimizer.${part}.${name}`)])
      state.set(index, new Map(parts))
      params.push(index++)
    }
    paramGroups.push(new Map<string, Picklable>([
      ['lr', new PythonFloat(lr)], ['betas', new PythonTuple(betas.map((beta) => new PythonFloat(beta)))], ['eps', new PythonFloat(eps)], ['weight_decay', new PythonFloat(weightDecay)],
      ['amsgrad', false], ['maximize', false], ['foreach', null], ['capturable', false], ['differentiable', false], ['fused', null], ['decoupled_weight_decay', type === 'adamw'],
      ['params', params], ['param_names', parameters],
    ]))
  }
  return new Map<string, Picklable>([['state', state], ['param_groups', paramGroups]])
}

function partOf(training: StateDict, name: string): Tensor {
  const tensor = training.get(name)
  if (!tensor) throw new TorchgraftError('ERR_STATE_DICT_MISMATCH', `The optimizer has parameters that the training state lacks: ${name}`)
  return tensor
}

/** `torch.amp.GradScaler.state_dict()`. */
function scalerState(training: StateDict): Picklable | undefined {
  const number = (name: string): number | undefined => scalar(training.get(`scaler.${name}`))
  if (number('scale') === undefined) return undefined
  const floats = ['scale', 'growth_factor', 'backoff_factor'].map((name): [string, Picklable] => [name, new PythonFloat(number(name)!)])
  return new Map<string, Picklable>([...floats, ['growth_interval', number('growth_interval')!], ['_growth_tracker', number('_growth_tracker')!]])
}

/** By what its groups hold: no other optimizer here has two betas. */
function isAdam(optimizer: PickleDict): boolean {
  const groups = optimizer.get('param_groups')
  const [first] = Array.isArray(groups) ? (groups as unknown[]) : []
  return first instanceof PickleDict && betasOf(first) !== undefined
}

function betasOf(group: PickleDict): readonly [number, number] | undefined {
  const betas = group.get('betas')
  const [beta1, beta2] = betas instanceof PickleTuple ? betas.items : Array.isArray(betas) ? (betas as unknown[]) : []
  return typeof beta1 === 'number' && typeof beta2 === 'number' ? [beta1, beta2] : undefined
}

async function readOptimizer(optimizer: PickleDict, model: StateDict, options: ReadTorchOptions, { path, size: fileBytes }: PthFile) {
  const refuse = (reason: string): TorchgraftError => new TorchgraftError('ERR_FILE_FORMAT', `The optimizer in ${path} cannot be used here: ${reason}`, { path })
  const [state, groups] = [optimizer.get('state'), optimizer.get('param_groups')]
  if (!(state instanceof PickleDict) || !Array.isArray(groups) || !groups.every((group): group is PickleDict => group instanceof PickleDict)) throw refuse('it has no state and param_groups')
  const names = namesOf(groups, model, options, refuse)
  const training = new Map<string, Tensor>()
  let bytes = 0
  for (const [i, group] of groups.entries()) {
    for (const [j, index] of (group.get('params') as unknown[]).entries()) {
      const name = names[i]![j]!
      const { dtype, shape } = model.get(name)!
      const empty = (size: readonly number[]): Tensor => ({ dtype, shape: size, data: new Uint8Array(byteLength(dtype, size)) })
      const entry = typeof index === 'number' || typeof index === 'string' ? state.get(index) : undefined
      const read = async (part: string, size: readonly number[]): Promise<Tensor> => {
        if (!(entry instanceof PickleDict)) return empty(size) // a parameter that has made no step
        const value = entry.get(part)
        if (part === 'step' && typeof value === 'number') return { dtype: 'float32', shape: [], data: new Uint8Array(Float32Array.of(value).buffer) } // before PyTorch 1.12
        if (value instanceof TorchTensor) {
          const fits = part === 'step' || String(value.shape) === String(size)
          if (!fits) throw refuse(`its ${part} of ${shortName(name)} has the shape [${value.shape.join(', ')}]`)
          if ((bytes += value.bytes) > fileBytes * MAX_EXPANSION) throw refuse('its parts together would be larger than the file')
          return value.load()
        }
        throw refuse(`it holds no ${part} of ${shortName(name)}: Adam and AdamW have one`)
      }
      for (const [part, size] of [['exp_avg', shape], ['exp_avg_sq', shape], ['step', []]] as const) training.set(`optimizer.${part}.${name}`, await read(part, size))
    }
  }
  return { training, optimizer: describe(groups, names, refuse) }
}

/** Names of each group's parameters: as the file tells, as the caller does, or all of the model's in their order. */
function namesOf(groups: readonly PickleDict[], model: StateDict, { groups: given }: ReadTorchOptions, refuse: (reason: string) => TorchgraftError): readonly (readonly string[])[] {
  const all = [...model.keys()].filter((name) => !/\.(?:running_mean|running_var|num_batches_tracked)$/.test(name))
  const told = groups.map((group) => group.get('param_names'))
  const names = told.every(isTexts) ? told : (given ?? (groups.length === 1 ? [all] : undefined))
  if (!names) throw refuse(`it has ${plural(groups.length, 'group')}, and does not name their parameters: pass them as groups`)
  const seen = new Set<string>()
  for (const [i, group] of groups.entries()) {
    const params = group.get('params')
    if (!Array.isArray(params) || params.length !== names[i]?.length) throw refuse(`group ${i} has ${Array.isArray(params) ? plural(params.length, 'parameter') : 'no parameters'}, but ${names[i]?.length ?? 0} were expected`)
    const unknown = names[i].find((name) => !model.has(name))
    if (unknown !== undefined) throw refuse(`the model has no ${shortName(unknown)}`)
    for (const name of names[i]) {
      if (seen.has(name)) throw refuse(`it has ${shortName(name)} twice`)
      seen.add(name)
    }
  }
  return names
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function describe(groups: readonly PickleDict[], names: readonly (readonly string[])[], refuse: (reason: string) => TorchgraftError): OptimizerDescription {
  const number = (group: PickleDict | undefined, key: string): number => {
    const value = group?.get(key)
    if (typeof value === 'number') return value
    throw refuse(`its ${key} is not a number`)
  }
  const [first] = groups
  if (groups.some((group) => group.get('amsgrad') === true || group.get('maximize') === true)) throw refuse('amsgrad and maximize are not supported')
  const betas = first && betasOf(first)
  if (!betas) throw refuse('it is neither Adam nor AdamW')
  return {
    type: first?.get('decoupled_weight_decay') === true ? 'adamw' : 'adam',
    betas,
    eps: number(first, 'eps'),
    groups: groups.map((group, i) => ({ lr: number(group, 'lr'), weightDecay: number(group, 'weight_decay'), parameters: names[i] ?? [] })),
  }
}
