import type { Uint32Generator } from '../../random/mt19937.js'
import { torchGenerator, torchLinear } from '../../random/torch.js'
import { float32Tensor, type StateDict } from '../../formats/tensor.js'
import { loadAddon } from '../../addon/load.js'
import type { ModelName } from '../../models/catalogue.js'
import { headNames } from '../../models/model-graph.js'

export interface NotebookHead {
  readonly tensors: StateDict
  /** The generator, as making the head leaves it. */
  readonly bits: Uint32Generator
}

/** `torch.manual_seed(seed); model.fc = nn.Linear(model.fc.in_features, classes)`. */
export function notebookHead(model: ModelName, classes: number, seed: number): NotebookHead {
  const [weightName = '', biasName = ''] = headNames(model)
  const inputs = loadAddon().describe(model, classes).tensors.find(({ name }) => name === weightName)?.shape[1] ?? 0
  const bits = torchGenerator(seed)
  const { weight, bias } = torchLinear(inputs, classes, bits)
  return { tensors: new Map([[weightName, float32Tensor([classes, inputs], weight)], [biasName, float32Tensor([classes], bias)]]), bits }
}
