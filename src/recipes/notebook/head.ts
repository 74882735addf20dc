import { loadAddon } from '../../addon/load.js'
import { float32Tensor } from '../../formats/tensor.js'
import type { RegNetVariant } from '../../models/variants.js'
import { torchGenerator, torchLinear } from '../../random/torch.js'
import type { RecipeHead } from '../recipe.js'

/** `torch.manual_seed(seed); model.fc = nn.Linear(model.fc.in_features, classes)`. */
export function notebookHead(model: RegNetVariant, classes: number, seed: number): RecipeHead {
  const entry = loadAddon().describe(model, classes).find(({ name }) => name === 'fc.weight')
  const inputs = entry?.shape[1] ?? 0
  const bits = torchGenerator(seed)
  const { weight, bias } = torchLinear(inputs, classes, bits)
  return { tensors: new Map([['fc.weight', float32Tensor([classes, inputs], weight)], ['fc.bias', float32Tensor([classes], bias)]]), bits }
}
