import { TorchgraftError } from '../errors.js'
import { PickleDict, PickleTuple } from '../formats/pth/pickle-values.js'
import type { PthFile } from '../formats/pth/pth.js'
import { TorchTensor } from '../formats/pth/torch-tensor.js'
import { shortName } from '../formats/short-name.js'
import { byteLength, type StateDict, type Tensor } from '../formats/tensor.js'
import type { OptimizerDescription } from '../session/options.js'
import { plural } from '../text/plural.js'

/** What the moments may take of the file, which has them once: views of one storage could be far larger. */
const MAX_EXPANSION = 4

type Groups = readonly (readonly string[])[]
type Refuse = (reason: string) => TorchgraftError

/** By what its groups hold: no other optimizer here has two betas. */
export function isAdam(optimizer: PickleDict): boolean {
  const groups = optimizer.get('param_groups')
  const [first] = Array.isArray(groups) ? (groups as unknown[]) : []
  return first instanceof PickleDict && betasOf(first) !== undefined
}

/**
 * Reads the `state_dict()` of an Adam or AdamW: its moments and steps by the names of a session's training state.
 *
 * @param given names of the parameters in each group, where the file has several and does not name them
 * @throws ERR_FILE_FORMAT
 */
export async function readTorchOptimizer(
  optimizer: PickleDict, model: StateDict, file: PthFile, given?: Groups,
): Promise<{ readonly training: StateDict; readonly optimizer: OptimizerDescription }> {
  const { path } = file
  const refuse: Refuse = (reason) =>
    new TorchgraftError('ERR_FILE_FORMAT', `The optimizer in ${path} cannot be used here: ${reason}`, { path })
  const [state, groups] = [optimizer.get('state'), optimizer.get('param_groups')]
  if (!(state instanceof PickleDict) || !isDicts(groups)) throw refuse('it has no state and param_groups')
  const names = namesOf(groups, model, given, refuse)
  const reader = new StateReader(state, file.size * MAX_EXPANSION, refuse)
  const training = new Map<string, Tensor>()
  for (const [i, group] of groups.entries()) {
    for (const [j, index] of (group.get('params') as unknown[]).entries()) {
      const name = names[i]![j]!
      for (const [part, tensor] of await reader.read(index, name, model.get(name)!)) training.set(`optimizer.${part}.${name}`, tensor)
    }
  }
  return { training, optimizer: describe(groups, names, refuse) }
}

/** Reads the state of one parameter after another. */
class StateReader {
  readonly #state: PickleDict
  readonly #maxBytes: number
  readonly #refuse: Refuse
  #bytes = 0

  constructor(state: PickleDict, maxBytes: number, refuse: Refuse) {
    this.#state = state
    this.#maxBytes = maxBytes
    this.#refuse = refuse
  }

  async read(index: unknown, name: string, { dtype, shape }: Tensor): Promise<(readonly [part: string, tensor: Tensor])[]> {
    const entry = typeof index === 'number' || typeof index === 'string' ? this.#state.get(index) : undefined
    const parts: (readonly [string, Tensor])[] = []
    for (const [part, size] of [['exp_avg', shape], ['exp_avg_sq', shape], ['step', []]] as const) {
      const tensor = entry instanceof PickleDict
        ? await this.#readPart(entry.get(part), part, name, size)
        : { dtype, shape: size, data: new Uint8Array(byteLength(dtype, size)) } // a parameter that has made no step
      parts.push([part, tensor])
    }
    return parts
  }

  async #readPart(value: unknown, part: string, name: string, size: readonly number[]): Promise<Tensor> {
    if (part === 'step' && typeof value === 'number') { // before PyTorch 1.12
      return { dtype: 'float32', shape: [], data: new Uint8Array(Float32Array.of(value).buffer) }
    }
    if (!(value instanceof TorchTensor)) throw this.#refuse(`it holds no ${part} of ${shortName(name)}: Adam and AdamW have one`)
    const fits = part === 'step' || String(value.shape) === String(size)
    if (!fits) throw this.#refuse(`its ${part} of ${shortName(name)} has the shape [${value.shape.join(', ')}]`)
    this.#bytes += value.bytes
    if (this.#bytes > this.#maxBytes) throw this.#refuse('its parts together would be larger than the file')
    return value.load()
  }
}

/** Names of each group's parameters: as the file has them, as the caller does, or all of the model's in their order. */
function namesOf(groups: readonly PickleDict[], model: StateDict, given: Groups | undefined, refuse: Refuse): Groups {
  const all = [...model.keys()].filter((name) => !/\.(?:running_mean|running_var|num_batches_tracked)$/.test(name))
  const inFile = groups.map((group) => group.get('param_names'))
  const names = inFile.every(isTexts) ? inFile : (given ?? (groups.length === 1 ? [all] : undefined))
  if (!names) throw refuse(`it has ${plural(groups.length, 'group')}, and does not name their parameters: pass them as groups`)
  const seen = new Set<string>()
  for (const [i, group] of groups.entries()) {
    const params = group.get('params')
    if (!Array.isArray(params) || params.length !== names[i]?.length) {
      const count = Array.isArray(params) ? plural(params.length, 'parameter') : 'no parameters'
      throw refuse(`group ${i} has ${count}, but ${names[i]?.length ?? 0} were expected`)
    }
    const unknown = names[i].find((name) => !model.has(name))
    if (unknown !== undefined) throw refuse(`the model has no ${shortName(unknown)}`)
    for (const name of names[i]) {
      if (seen.has(name)) throw refuse(`it has ${shortName(name)} twice`)
      seen.add(name)
    }
  }
  return names
}

function describe(groups: readonly PickleDict[], names: Groups, refuse: Refuse): OptimizerDescription {
  const number = (group: PickleDict | undefined, key: string): number => {
    const value = group?.get(key)
    if (typeof value === 'number') return value
    throw refuse(`its ${key} is not a number`)
  }
  const unsupported = groups.some((group) => group.get('amsgrad') === true || group.get('maximize') === true)
  if (unsupported) throw refuse('amsgrad and maximize are not supported')
  const [first] = groups
  const betas = first && betasOf(first)
  if (!betas) throw refuse('it is neither Adam nor AdamW')
  return {
    type: first?.get('decoupled_weight_decay') === true ? 'adamw' : 'adam',
    betas,
    eps: number(first, 'eps'),
    groups: groups.map((group, i) => ({
      lr: number(group, 'lr'), weightDecay: number(group, 'weight_decay'), parameters: names[i] ?? [],
    })),
  }
}

function betasOf(group: PickleDict): readonly [number, number] | undefined {
  const betas = group.get('betas')
  const [beta1, beta2] = betas instanceof PickleTuple ? betas.items : Array.isArray(betas) ? (betas as unknown[]) : []
  return typeof beta1 === 'number' && typeof beta2 === 'number' ? [beta1, beta2] : undefined
}

function isDicts(value: unknown): value is readonly PickleDict[] {
  return Array.isArray(value) && value.every((item) => item instanceof PickleDict)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
