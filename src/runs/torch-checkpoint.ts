import { TorchgraftError } from '../errors.js'
import { anObject, checkFields, type Fields, list, required, text } from '../options/checks.js'
import { contentsOf } from '../models/checkpoint-contents.js'
import { checkStateDict } from '../formats/check-state-dict.js'
import { loadAll } from '../formats/lazy-tensor.js'
import { type Picklable, PythonFloat, PythonTuple } from '../formats/pth/pickle-writer.js'
import { PthFile } from '../formats/pth/pth.js'
import { writePth } from '../formats/pth/pth-writer.js'
import { scalar, type StateDict, type Tensor } from '../formats/tensor.js'
import { aPath, type LocalPath, toPath } from '../options/local-path.js'
import type { OptimizerDescription } from '../session/options.js'
import { isAdam, readTorchOptimizer } from './torch-optimizer.js'

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
  /** Names of the parameters in each of the optimizer's groups, where it has several and the file does not name them. */
  readonly groups?: readonly (readonly string[])[]
}

const WRITE_FIELDS: Fields<TorchCheckpoint> = {
  model: required(checkStateDict), training: checkStateDict, optimizer: anObject, notes: list(text('a note')),
}
const READ_FIELDS: Fields<ReadTorchOptions> = { groups: list(list(text('a name'))) }

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
  return { model: tensors, notes, ...(await readTorchOptimizer(optimizer, tensors, file, options.groups)) }
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
  const parts = new Map<string, Picklable>([['state_dict', model], ['optimizer', optimizerState(training, optimizer)]])
  if (scaler) parts.set('scaler', scaler)
  return writePth(path, parts)
}

/** Parameters count through the groups, in the order of both. */
function optimizerState(training: StateDict, { type, betas, eps, groups }: OptimizerDescription): Picklable {
  const state = new Map<number, Picklable>()
  const paramGroups: Picklable[] = []
  let index = 0
  for (const { lr, weightDecay, parameters } of groups) {
    const params: number[] = []
    for (const name of parameters) {
      const parts = ['step', 'exp_avg', 'exp_avg_sq'].map((part): [string, Picklable] => {
        return [part, partOf(training, `optimizer.${part}.${name}`)]
      })
      state.set(index, new Map(parts))
      params.push(index++)
    }
    paramGroups.push(new Map<string, Picklable>([
      ['lr', new PythonFloat(lr)], ['betas', new PythonTuple(betas.map((beta) => new PythonFloat(beta)))],
      ['eps', new PythonFloat(eps)], ['weight_decay', new PythonFloat(weightDecay)],
      ['amsgrad', false], ['maximize', false], ['foreach', null], ['capturable', false], ['differentiable', false], ['fused', null],
      ['decoupled_weight_decay', type === 'adamw'], ['params', params], ['param_names', parameters],
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
  return new Map<string, Picklable>([
    ...floats, ['growth_interval', number('growth_interval')!], ['_growth_tracker', number('_growth_tracker')!],
  ])
}
