import { loadAddon } from '../../addon/load.js'
import { float32Tensor } from '../../formats/tensor.js'
import type { ModelName } from '../../models/catalogue.js'
import { headNames } from '../../models/model-graph.js'
import { torchGenerator, torchLinear } from '../../random/torch.js'
import type { RecipeHead } from '../recipe.js'

/** `torch.manual_seed(seed); model.fc = nn.Linear(model.fc.in_features, classes)`. */
export function notebookHead(model: ModelName, classes: number, seed: number): RecipeHead {
  const [weightName = '', biasName = ''] = headNames(model)
  const entry = loadAddon().describe(model, classes).tensors.find(({ name }) => name === weightName)
  const inputs = entry?.shape[1] ?? 0
  const bits = torchGenerator(seed)
  const { weight, bias } = torchLinear(inputs, classes, bits)
  return { tensors: new Map([[weightName, float32Tensor([classes, inputs], weight)], [biasName, float32Tensor([classes], bias)]]), bits }
}
